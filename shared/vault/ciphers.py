"""Authenticated encryption: AES-256-GCM, or SM4-GCM where GB/T 39786 asks for it.

Both take a 96-bit random nonce and bind additional data, so that a ciphertext copied to another
row, household or kind does not open.
"""

import os
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
_TAG_BYTES = 16


class CipherName(StrEnum):
    """The ciphers the vault can use; a data key keeps the one it was made for."""

    AES_256_GCM = "AES-256-GCM"
    SM4_GCM = "SM4-GCM"

    @property
    def key_bytes(self) -> int:
        """The length of its keys."""
        return 32 if self is CipherName.AES_256_GCM else 16


class Tampered(Exception):
    """A ciphertext does not open under its key and place: it was changed, moved or cut."""


class CipherUnavailable(RuntimeError):
    """The OpenSSL that ``cryptography`` was built with lacks a cipher that the settings ask for."""


class Sealer(Protocol):
    """One key, ready to seal and open."""

    def seal(self, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
        """The ciphertext with its tag. ``place`` is authenticated, not stored."""
        ...

    def open(self, nonce: bytes, ciphertext: bytes, place: bytes) -> bytes:
        """The plaintext. Raises ``Tampered``."""
        ...


class _Aes:
    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
        return self._aead.encrypt(nonce, plaintext, place)

    def open(self, nonce: bytes, ciphertext: bytes, place: bytes) -> bytes:
        try:
            return self._aead.decrypt(nonce, ciphertext, place)
        except (InvalidTag, ValueError) as error:
            raise Tampered from error


class _Sm4:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, nonce: bytes, plaintext: bytes, place: bytes) -> bytes:
        encryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(place)
        return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag

    def open(self, nonce: bytes, ciphertext: bytes, place: bytes) -> bytes:
        body, tag = ciphertext[:-_TAG_BYTES], ciphertext[-_TAG_BYTES:]
        try:
            decryptor = Cipher(algorithms.SM4(self._key), modes.GCM(nonce, tag)).decryptor()
            decryptor.authenticate_additional_data(place)
            return decryptor.update(body) + decryptor.finalize()
        except (InvalidTag, ValueError) as error:
            raise Tampered from error


_SEALERS: dict[CipherName, Callable[[bytes], Sealer]] = {
    CipherName.AES_256_GCM: _Aes,
    CipherName.SM4_GCM: _Sm4,
}


def sealer(cipher: CipherName, key: bytes) -> Sealer:
    """The cipher under ``key``. Raises ``ValueError`` for a key of the wrong length."""
    if len(key) != cipher.key_bytes:
        raise ValueError(f"{cipher} takes a key of {cipher.key_bytes} bytes")
    return _SEALERS[cipher](key)


def new_key(cipher: CipherName) -> bytes:
    """A random key."""
    return os.urandom(cipher.key_bytes)


def new_nonce() -> bytes:
    """A random nonce; under one household's key a repetition is out of the question."""
    return os.urandom(NONCE_BYTES)


def must_be_available(cipher: CipherName) -> None:
    """Fail at the start, and clearly, where a cipher is missing. Raises ``CipherUnavailable``."""
    nonce = bytes(NONCE_BYTES)
    try:
        tried = sealer(cipher, bytes(cipher.key_bytes))
        tried.open(nonce, tried.seal(nonce, b"probe", b""), b"")
    except UnsupportedAlgorithm as error:
        raise CipherUnavailable(
            f"{cipher} is not in this build of OpenSSL; choose AES-256-GCM or another build"
        ) from error
