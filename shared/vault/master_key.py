"""The key that wraps every household's key. Behind a port, so that an HSM or a KMS can hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.vault.ciphers import NONCE_BYTES, CipherName, must_be_available, new_nonce, sealer
from shared.vault.keyring import KeyRing

_PLACE = b"dixian/data-key/1/"


@dataclass(frozen=True)
class Wrapped:
    """A data key as it is stored."""

    owner: UUID
    master_key_id: str
    blob: bytes


class MasterKey(Protocol):
    """Wraps and unwraps data keys, many at a time: behind it may be a network."""

    @property
    def current_id(self) -> str:
        """The id of the key that wraps now."""
        ...

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Wrap each owner's data key under the current master key, bound to its owner."""
        ...

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order. Raises ``Tampered``; ``UnknownMasterKey`` for a lost key."""
        ...


class UnknownMasterKey(LookupError):
    """A data key was wrapped by a master key that is not to be had."""


class FileMasterKey:
    """Master keys from a key file. For the embedded default and for tests; see ``keyring``."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        for key in ring.keys.values():
            must_be_available(CipherName(key.algorithm))
        self._sealers = {
            name: sealer(CipherName(key.algorithm), key.material) for name, key in ring.keys.items()
        }

    @property
    def current_id(self) -> str:
        """The id of the key that wraps now."""
        return self._ring.current

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Wrap data keys; the blob is the nonce and the ciphertext."""
        current = self._sealers[self.current_id]
        made = []
        for owner, key in keys:
            nonce = new_nonce()
            blob = nonce + current.seal(nonce, key, _PLACE + owner.bytes)
            made.append(Wrapped(owner, self.current_id, blob))
        return made

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order."""
        return [self._unwrap(item) for item in wrapped]

    def _unwrap(self, item: Wrapped) -> bytes:
        known = self._sealers.get(item.master_key_id)
        if known is None:
            raise UnknownMasterKey(item.master_key_id)
        nonce, sealed = item.blob[:NONCE_BYTES], item.blob[NONCE_BYTES:]
        return known.open(nonce, sealed, _PLACE + item.owner.bytes)
