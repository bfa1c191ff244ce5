"""What can be set about the console, each variable once."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConsoleSettings(BaseSettings):
    """Where the console stands, and where its neighbours are."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_CONSOLE_", extra="ignore")

    url: str = "http://127.0.0.1:8105"
    """``DIXIAN_CONSOLE_URL``: the address that people's browsers reach it by."""
    key_file: Path = Path("var/keys/console/session.key")
    """``DIXIAN_CONSOLE_KEY_FILE``: 32 bytes that encrypt the sessions, the same for every replica;
    made where there is none."""
    client_id: str = "console"
    """``DIXIAN_CONSOLE_CLIENT_ID``: its name at the issuer, a public client with PKCE."""
    scope: str = "openid profile"
    """``DIXIAN_CONSOLE_SCOPE``: what it asks the issuer for."""
    sign_in_url: str = ""
    """``DIXIAN_CONSOLE_SIGN_IN_URL``: the issuer's authorization endpoint as browsers reach it,
    where that is not what its discovery document says."""
    alerts_url: str = "http://127.0.0.1:8101"
    """``DIXIAN_CONSOLE_ALERTS_URL``."""
    identification_url: str = "http://127.0.0.1:8102"
    """``DIXIAN_CONSOLE_IDENTIFICATION_URL``."""
    assistance_url: str = "http://127.0.0.1:8103"
    """``DIXIAN_CONSOLE_ASSISTANCE_URL``."""
    audit_url: str = "http://127.0.0.1:8104"
    """``DIXIAN_CONSOLE_AUDIT_URL``."""
    patience: float = Field(20, gt=0)
    """``DIXIAN_CONSOLE_PATIENCE``: seconds after which a service that has not answered is down."""
    largest_upload: int = Field(256 * 1024 * 1024, gt=0)
    """``DIXIAN_CONSOLE_LARGEST_UPLOAD``: bytes that one form may have, with a department's file."""

    def url_of(self, service: str) -> str:
        """A service's base address."""
        address: str = getattr(self, f"{service}_url")
        return address.rstrip("/")

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS: its cookies are then sent over TLS alone."""
        return self.url.startswith("https:")
