"""The master key in an HSM or a KMS, through PKCS#11: it never leaves the device.

A master key is an AES-256 key of the token with our label; its id says which it is, and the highest
one wraps. Only the households' data keys, 32 bytes each, are sent to the device, bound to their
owner; what is sealed under them never is.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from shared.vault.ciphers import NONCE_BYTES, Tampered, new_nonce
from shared.vault.master_key import KeysUnavailable, UnknownMasterKey, Wrapped, place_of

PREFIX = "hsm-"
"""What the ids of master keys in a device begin with: ``hsm-1``."""
_TAG_BITS = 128
_BITS = 256

T = TypeVar("T")


class Device:
    """One token, its session and our keys on it. One thread at a time; see ``HsmMasterKey``.

    ``pin`` gives the user's PIN whenever a session is opened; it is not kept.
    """

    def __init__(self, module: Path, token: str, pin: Callable[[], str], label: str) -> None:
        self._module, self._token, self._pin, self._label = module, token, pin, label
        self._session: Any = None
        self._keys: dict[str, Any] = {}

    @property
    def ids(self) -> list[str]:
        """The ids of our keys, the current one last."""
        return sorted(self._keys, key=_number)

    def read(self) -> None:
        """Read which keys there are. Raises ``KeysUnavailable``."""
        self._attempt(self._read)

    def seal(self, key_id: str, plaintext: bytes, place: bytes) -> bytes:
        """Nonce and ciphertext."""
        nonce = new_nonce()
        parameters = GCMParams(nonce, place, _TAG_BITS)
        sealed: bytes = self._attempt(
            lambda: self._key(key_id).encrypt(
                plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters
            )
        )
        return nonce + sealed

    def open(self, key_id: str, blob: bytes, place: bytes) -> bytes:
        """The plaintext. Raises ``Tampered``, ``UnknownMasterKey``, ``KeysUnavailable``."""
        try:
            return self._attempt(lambda: self._opened(key_id, blob, place))
        except KeysUnavailable:
            # Devices have words of their own for a tag that is wrong: one that opens what it has
            # just sealed itself is there and well.
            if self._works(key_id):
                raise Tampered from None
            raise

    def rotate(self) -> str:
        """Make a new key in the device, which is current from now on; its id."""

        def make() -> str:
            self._read()
            made = PREFIX + str(max(map(_number, self.ids), default=0) + 1)
            self._session.generate_key(
                KeyType.AES,
                _BITS,
                label=self._label,
                id=made.encode(),
                store=True,
                template={
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.ENCRYPT: True,
                    Attribute.DECRYPT: True,
                },
            )
            self._read()
            return made

        return self._attempt(make)

    def retire(self, key_id: str) -> None:
        """Destroy a key that nothing needs any more. ``ValueError`` for the current one."""

        def destroy() -> None:
            self._read()
            if key_id == self.ids[-1]:
                raise ValueError("the current key cannot be removed")
            self._key(key_id).destroy()
            self._read()

        self._attempt(destroy)

    def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(PKCS11Error):
                session.close()

    def _opened(self, key_id: str, blob: bytes, place: bytes) -> bytes:
        parameters = GCMParams(blob[:NONCE_BYTES], place, _TAG_BITS)
        opened: bytes = self._key(key_id).decrypt(
            blob[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters
        )
        return opened

    def _works(self, key_id: str) -> bool:
        try:
            return self._opened(key_id, self.seal(key_id, b"probe", b""), b"") == b"probe"
        except (KeysUnavailable, PKCS11Error):
            return False

    def _key(self, key_id: str) -> Any:
        if key_id not in self._keys:
            self._read()
        if key_id not in self._keys:
            raise UnknownMasterKey(key_id)
        return self._keys[key_id]

    def _read(self) -> None:
        if self._session is None:
            self._session = self._opened_session()
        found = self._session.get_objects(
            {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._label}
        )
        self._keys = {bytes(key.id).decode(): key for key in found}

    def _opened_session(self) -> Any:
        token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
        try:
            return token.open(rw=True, user_pin=self._pin())
        except UserAlreadyLoggedIn:  # another service of this process: one login serves all
            return token.open(rw=True)

    def _attempt(self, act: Callable[[], T]) -> T:
        """Twice at most: a session ends when the device restarts or the line to it is cut."""
        try:
            return act()
        except PKCS11Error:
            self.close()
        try:
            self._read()
            return act()
        except (PKCS11Error, OSError) as error:
            self.close()
            raise KeysUnavailable(f"the HSM does not answer ({type(error).__name__})") from error


class HsmMasterKey:
    """The master key of a device. Calls wait in a thread of their own, one after the other."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hsm")
        self._current = ""

    @classmethod
    def opened(cls, device: Device) -> "HsmMasterKey":
        """With a first look at the device. Raises ``KeysUnavailable`` or ``UnknownMasterKey``."""
        made = cls(device)
        made._look()
        return made

    @property
    def current_id(self) -> str:
        """The id of the key that wraps now."""
        return self._current

    async def refresh(self) -> None:
        """Look which keys there are."""
        await self._do(self._look)

    async def wrap(self, keys: Sequence[tuple[UUID, bytes]]) -> list[Wrapped]:
        """Wrap data keys in the device."""
        current = self._current

        def wrap() -> list[Wrapped]:
            return [
                Wrapped(owner, current, self._device.seal(current, key, place_of(owner)))
                for owner, key in keys
            ]

        return await self._do(wrap)

    async def unwrap(self, wrapped: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order."""

        def unwrap() -> list[bytes]:
            return [
                self._device.open(item.master_key_id, item.blob, place_of(item.owner))
                for item in wrapped
            ]

        return await self._do(unwrap) if wrapped else []

    def _look(self) -> None:
        self._device.read()
        if not self._device.ids:
            raise UnknownMasterKey("the token has no master key yet; see `dixian rotate master`")
        self._current = self._device.ids[-1]

    async def _do(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)


def _number(key_id: str) -> int:
    return int(key_id.removeprefix(PREFIX))
