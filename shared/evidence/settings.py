"""Where evidence files lie and who looks for malware in them."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

NO_SCAN = "none"


class NotChosen(ValueError):
    """A choice that production asks for in so many words was not made."""


class EvidenceSettings(BaseSettings):
    """The evidence room of every service."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_EVIDENCE_", extra="ignore")

    store: str = ""
    """``DIXIAN_EVIDENCE_STORE``: ``s3://bucket/prefix`` (its credentials, region and endpoint by
    the ``AWS_…`` variables), or ``file:///folder``; a folder ``evidence`` here when empty."""
    scan: str = ""
    """``DIXIAN_EVIDENCE_SCAN``: ``clamd://host:3310``, or ``none`` where nobody scans. Production
    does not start without one of the two."""
    limit: int = Field(20 * 1024 * 1024, gt=0, le=200 * 1024 * 1024)
    """``DIXIAN_EVIDENCE_LIMIT``: bytes a file may have; clamd's ``StreamMaxLength`` covers it."""

    @property
    def url(self) -> str:
        """The store's address."""
        return self.store or Path("evidence").resolve().as_uri()

    def clamd(self, *, production: bool) -> tuple[str, int] | None:
        """Host and port of clamd; ``None`` for no scan. Raises ``NotChosen``."""
        if not self.scan and production:
            raise NotChosen(
                "DIXIAN_EVIDENCE_SCAN is not set: clamd://host:3310, or none to take evidence files"
                " unscanned"
            )
        if self.scan in {"", NO_SCAN}:
            return None
        found = urlsplit(self.scan)
        if found.scheme != "clamd" or not found.hostname:
            raise NotChosen("DIXIAN_EVIDENCE_SCAN is neither clamd://host:port nor none")
        return found.hostname, found.port or 3310
