"""The key that wraps every household's key. Behind a port, so that an HSM or a KMS can hold it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from shared.vault.ciphers import (
    NONCE_BYTES,
    CipherName,
    Sealer,
    must_be_available,
    new_nonce,
    sealer,
)
from shared.vault.keyring import Key, Keys

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

    async def refresh(self) -> None:
        """Learn at once of a rotation that others have made."""
        ...

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Wrap each owner's data key under the current master key, bound to its owner."""
        ...

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order. Raises ``Tampered``; ``UnknownMasterKey`` for a lost key."""
        ...


class UnknownMasterKey(LookupError):
    """A data key was wrapped by a master key that is not to be had."""


class KeysUnavailable(ConnectionError):
    """Whatever holds the master key does not answer now; the same act may succeed later."""


def place_of(owner: UUID) -> bytes:
    """What a wrapped data key is bound to."""
    return _PLACE + owner.bytes


class FileMasterKey:
    """Master keys from a key file. For the embedded default and for tests; see ``keyring``."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._sealers: dict[Key, Sealer] = {}
        for key in keys.look().keys.values():
            must_be_available(CipherName(key.algorithm))

    @property
    def current_id(self) -> str:
        """The id of the key that wraps now."""
        return self._keys.look().current

    async def refresh(self) -> None:
        """Look at the file."""
        self._keys.look(now=True)

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Wrap data keys; the blob is the nonce and the ciphertext."""
        ring = self._keys.look()
        current = self._sealer(ring.keys[ring.current])
        made = []
        for owner, key in keys:
            nonce = new_nonce()
            blob = nonce + current.seal(nonce, key, place_of(owner))
            made.append(Wrapped(owner, ring.current, blob))
        return made

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order."""
        return [self._unwrap(item) for item in wrapped]

    def _unwrap(self, item: Wrapped) -> bytes:
        known = self._keys.look().keys.get(item.master_key_id)
        # Wrapped by a key that another process was quicker to learn of.
        known = known or self._keys.look(now=True).keys.get(item.master_key_id)
        if known is None:
            raise UnknownMasterKey(item.master_key_id)
        nonce, sealed = item.blob[:NONCE_BYTES], item.blob[NONCE_BYTES:]
        return self._sealer(known).open(nonce, sealed, place_of(item.owner))

    def _sealer(self, key: Key) -> Sealer:
        if key not in self._sealers:
            self._sealers[key] = sealer(CipherName(key.algorithm), key.material)
        return self._sealers[key]


class MovedMasterKey:
    """A master key that has moved, from a file into an HSM: the new one wraps, both unwrap.

    ``prefix`` is what the new one's ids begin with. Once everything is wrapped anew
    (``Vault.rewrap``) the former one can go.
    """

    def __init__(self, current: MasterKey, former: MasterKey, *, prefix: str) -> None:
        self._current, self._former, self._prefix = current, former, prefix

    @property
    def current_id(self) -> str:
        """The new one's."""
        return self._current.current_id

    async def refresh(self) -> None:
        """Both look."""
        await self._current.refresh()
        await self._former.refresh()

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Under the new one."""
        return await self._current.wrap(keys)

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """Each by whichever wrapped it."""
        moved = [item for item in wrapped if item.master_key_id.startswith(self._prefix)]
        left = [item for item in wrapped if not item.master_key_id.startswith(self._prefix)]
        opened = dict(zip(moved, await self._current.unwrap(moved), strict=True))
        opened |= dict(zip(left, await self._former.unwrap(left), strict=True))
        return [opened[item] for item in wrapped]
