"""Sealed bytes under a name, in a folder or in an S3-compatible store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from shared.kernel.refusal import Unavailable


class StoreAway(Unavailable):
    """The store of evidence files does not answer; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "evidence-store-away",
            "佐证材料存储暂时不可用,请稍后重试",
            "the store of evidence files cannot be reached; try again later",
            retry_after=30,
        )


class Blobs:
    """One store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def at(cls, url: str) -> "Blobs":
        """The store at an address; a folder is made. Raises ``ValueError`` for no address."""
        if urlsplit(url).scheme == "file":
            return cls(LocalStore(Path(unquote(urlsplit(url).path)), mkdir=True))
        return cls(from_url(url))

    async def put(self, name: str, content: bytes) -> None:
        """Keep ``content``, in place of what was there. Raises ``StoreAway``."""
        try:
            await obstore.put_async(self._store, name, content)
        except (BaseError, OSError) as error:
            raise StoreAway from error

    async def get(self, name: str) -> bytes:
        """The content. Raises ``FileNotFoundError`` when it is gone, ``StoreAway``."""
        try:
            found = await obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise StoreAway from error
