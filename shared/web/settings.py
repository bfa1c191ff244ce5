"""What can be set about the door, each variable once."""

from enum import StrEnum

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.principal import Role


class Mode(StrEnum):
    """Which promises hold: the demo may move the clock and sign its own tokens."""

    DEMO = "demo"
    PRODUCTION = "production"


class WebSettings(BaseSettings):
    """How the HTTP side of a service behaves."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    mode: Mode = Mode.PRODUCTION
    """``DIXIAN_MODE``: ``demo`` or ``production``. The careful one unless said otherwise."""
    body_limit: int = Field(1024 * 1024, gt=0)
    """``DIXIAN_BODY_LIMIT``: bytes a request body may have; routes for files have their own."""
    machine_quota: int = Field(18_000, ge=0)
    """``DIXIAN_MACHINE_QUOTA``: requests a minute of one machine; 0: as many as it likes."""
    person_quota: int = Field(6_000, ge=0)
    """``DIXIAN_PERSON_QUOTA``: requests a minute of one person; 0: as many as they like."""


class OidcSettings(BaseSettings):
    """Whose tokens people bring, and how their claims become roles."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_OIDC_", extra="ignore")

    issuer: str
    """``DIXIAN_OIDC_ISSUER``: the issuer's identifier, exactly as in its tokens' ``iss``."""
    audience: str = "dixian"
    """``DIXIAN_OIDC_AUDIENCE``: what a token's ``aud`` must contain."""
    roles_claim: str = "roles"
    """``DIXIAN_OIDC_ROLES_CLAIM``: the path of the roles, such as ``realm_access.roles``."""
    division_claim: str = "division"
    """``DIXIAN_OIDC_DIVISION_CLAIM``: where the one division code stands."""
    subject_claim: str = "sub"
    """``DIXIAN_OIDC_SUBJECT_CLAIM``: a lasting pseudonym; it enters every event."""
    role_map: dict[str, Role] = Field(default_factory=dict)
    """``DIXIAN_OIDC_ROLE_MAP``: JSON, the issuer's role names to ours; empty: they are ours."""
    leeway: int = Field(60, ge=0, le=300)
    """``DIXIAN_OIDC_LEEWAY``: seconds by which the clocks may differ."""
    keys_max_age: float = Field(600, gt=0)
    """``DIXIAN_OIDC_KEYS_MAX_AGE``: seconds after which the issuer's keys are read again."""
    keys_stale: float = Field(24 * 3600, ge=0)
    """``DIXIAN_OIDC_KEYS_STALE``: seconds for which known keys serve while the issuer is down."""
    refetch_interval: float = Field(30, ge=0)
    """``DIXIAN_OIDC_REFETCH_INTERVAL``: seconds between two readings for an unknown ``kid``."""
    allow_http: bool = False
    """``DIXIAN_OIDC_ALLOW_HTTP``: an issuer without TLS on another machine (a demo only)."""
