"""The malware scan: a port, and clamd behind it."""

from io import BytesIO
from typing import Protocol

from aioclamd import ClamdAsyncClient, ClamdError

from shared.kernel.refusal import Invalid, Unavailable

_PATIENCE = 30.0
"""Seconds for one file."""


class ScannerAway(Unavailable):
    """Nobody can say whether the file is clean; nothing was kept."""

    def __init__(self) -> None:
        super().__init__(
            "scanner-away",
            "病毒扫描服务暂时不可用,文件未保存,请稍后重试",
            "the malware scanner cannot be reached; the file was not kept, try again later",
            retry_after=30,
        )


class Scanner(Protocol):
    """Looks for malware."""

    async def must_be_clean(self, content: bytes) -> None:
        """Raises ``Invalid`` for malware, ``ScannerAway`` when nobody can tell."""
        ...


class NoScanner:
    """For the demo, and for where somebody chose to do without."""

    async def must_be_clean(self, content: bytes) -> None:
        """Never looks."""


class Clamd:
    """ClamAV's daemon, over TCP."""

    def __init__(self, host: str, port: int) -> None:
        self._client = ClamdAsyncClient(host, port, timeout=_PATIENCE)

    async def must_be_clean(self, content: bytes) -> None:
        """Streams the content to the daemon; only a plain OK is clean."""
        try:
            found = await self._client.instream(BytesIO(content))
        except (ClamdError, OSError) as error:
            raise ScannerAway from error
        [(status, _name)] = (found or {"stream": ("ERROR", None)}).values()
        if status == "FOUND":
            raise Invalid(
                code="file-infected",
                zh="文件含有恶意代码,未保存",
                en="the file holds malware; it was not kept",
                field="body",
            )
        if status != "OK":
            raise ScannerAway
