"""What can be set about the audit log, each variable once."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.audit.log.append import LogName
from services.audit.log.forwarding import Receiver

KEY_FILE = "audit-log.key"
"""The usual name of the key's file, beside the vault's keys."""


class AuditSettings(BaseSettings):
    """The log's name, its key, and how often it is signed."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_AUDIT_", extra="ignore")

    operator: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,60}$")] = "dixian.example"
    """``DIXIAN_AUDIT_OPERATOR``: the first part of every log's name; a domain of the operator's."""
    province: Annotated[str, StringConstraints(pattern=r"^\d{2}$")] = "37"
    """``DIXIAN_AUDIT_PROVINCE``: the province's two digits."""
    key_file: Path | None = None
    """``DIXIAN_AUDIT_KEY_FILE``: the Ed25519 key that signs checkpoints, mode 0600; by default
    ``audit-log.key`` beside the vault's master key."""
    sm2_key_file: Path | None = None
    """``DIXIAN_AUDIT_SM2_KEY_FILE``: the SM2 key that signs a second line; none without it."""
    sign_every: float = Field(1.0, ge=0.1, le=3600)
    """``DIXIAN_AUDIT_SIGN_EVERY``: seconds between looks whether the log has grown."""
    witness_file: Path | None = None
    """``DIXIAN_AUDIT_WITNESS_FILE``: lines ``witness NAME VKEY URL``; none without it."""

    siem_host: str | None = None
    """``DIXIAN_AUDIT_SIEM_HOST``: where entries are forwarded to as OCSF over syslog over TLS
    (RFC 5424, 5425); nowhere without it."""
    siem_port: int = Field(6514, ge=1, le=65535)
    """``DIXIAN_AUDIT_SIEM_PORT``"""
    siem_ca_file: Path | None = None
    """``DIXIAN_AUDIT_SIEM_CA_FILE``: who signed the receiver's certificate."""
    siem_certificate_file: Path | None = None
    """``DIXIAN_AUDIT_SIEM_CERTIFICATE_FILE``: our certificate and key, if the receiver asks."""

    @property
    def receiver(self) -> Receiver | None:
        """Who is told of every entry, if anybody."""
        if self.siem_host is None:
            return None
        return Receiver(
            self.siem_host, self.siem_port, self.siem_ca_file, self.siem_certificate_file
        )

    @property
    def name(self) -> LogName:
        """Whose logs these are."""
        return LogName(self.operator, self.province)
