"""Tokens to match document numbers by, without holding the numbers.

A token is a keyed hash: equal for equal numbers, meaningless without the key. Its first byte is the
key's version, so that two keys can be in use while the index is renewed.
"""

from collections.abc import Callable
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from shared.vault.ciphers import CipherUnavailable
from shared.vault.documents import Document
from shared.vault.keyring import Key, KeyRing

TOKEN_BYTES = 17
"""One byte of version, 16 of hash: two of a hundred million people collide once in 10²²."""

_HASH_BYTES = 16
_PURPOSE = b"dixian/document/1/"

_Hash = Callable[[bytes], bytes]


class BlindIndex:
    """Makes tokens with the keys of a key file. Key ids are the versions, 1 to 255."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._hashes = {int(name): _hash_of(key) for name, key in ring.keys.items()}
        self.version = int(ring.current)
        self._former = tuple(version for version in self._hashes if version != self.version)

    def __reduce__(self) -> tuple[type["BlindIndex"], tuple[KeyRing]]:
        """For a worker process of this service's own."""
        return BlindIndex, (self._ring,)

    def tokens(self, document: Document) -> tuple[bytes, ...]:
        """What to store for a person, by the current key; the identity number's token first.

        A disability certificate gives two, so that it matches the person by either number.
        """
        return self._tokens(self.version, document)

    def lookup(self, document: Document) -> tuple[bytes, ...]:
        """What to search by: the tokens of every key in use, ``identity``'s first.

        Any match is a match.
        """
        if not self._former:
            return self._tokens(self.version, document)
        versions = (self.version, *self._former)
        return tuple(token for version in versions for token in self._tokens(version, document))

    def identity(self, document: Document) -> bytes:
        """The one token of the person behind the document, by the current key."""
        return self._token(self.version, document.id_number)

    def _tokens(self, version: int, document: Document) -> tuple[bytes, ...]:
        identity = self._token(version, document.id_number)
        if not document.is_certificate:
            return (identity,)
        return (identity, self._token(version, document.number))

    def _token(self, version: int, number: str) -> bytes:
        digest = self._hashes[version](_PURPOSE + number.encode())
        return bytes((version,)) + digest[:_HASH_BYTES]


def _hash_of(key: Key) -> _Hash:
    if key.algorithm == "HMAC-SHA-256":
        return _hmac_sha256(key.material)
    try:
        start = HMAC(key.material, hashes.SM3())
    except UnsupportedAlgorithm as error:
        raise CipherUnavailable("HMAC-SM3 is not in this build of OpenSSL") from error

    def sm3(message: bytes) -> bytes:
        digest = start.copy()
        digest.update(message)
        return digest.finalize()

    return sm3


def _hmac_sha256(key: bytes) -> _Hash:
    """RFC 2104 with both hashes begun once: a third of the time of doing it anew for each."""
    padded = key.ljust(sha256().block_size, b"\0")
    begun_inner = sha256(bytes(byte ^ 0x36 for byte in padded))
    begun_outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(message: bytes) -> bytes:
        inner, outer = begun_inner.copy(), begun_outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    return digest
