"""Tokens to match document numbers by, without holding the numbers.

A token is a keyed function of the number: equal for equal ones, meaningless without the key. Its
first byte is the key's version, so that two keys can be in use while the index is renewed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import (
    BlockCipherAlgorithm,
    Cipher,
    algorithms,
    modes,
)
from cryptography.hazmat.primitives.hmac import HMAC

from shared.vault.ciphers import CipherUnavailable
from shared.vault.documents import Document
from shared.vault.keyring import Key, KeyRing, Keys

TOKEN_BYTES = 17
"""One byte of version, 16 of hash: two of a hundred million people collide once in 10²²."""

_HASH_BYTES = 16
_PURPOSE = b"dixian/document/1/"
_BLOCK = 16
_FILLED = 2 * _BLOCK - 2
"""Figures of a block after its first byte, which says what the block is."""
_NUMBER = b"01"

_Hash = Callable[[Iterable[bytes]], list[bytes]]
"""Of many numbers at once, the purpose put before each."""


class BlindIndex:
    """Makes tokens with the keys of a key file. Key ids are the versions, 1 to 255.

    What is stored and what is searched by are the same: the tokens of every key in use. While a new
    key is being brought in, whoever knows only the former one, and whatever was stored under it,
    therefore matches all the same.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._of: KeyRing | None = None
        self._hashes: Mapping[int, _Hash] = {}
        self._look()

    @property
    def version(self) -> int:
        """The version of the current key: what is indexed by it needs no renewal."""
        return int(self._look().current)

    @property
    def versions(self) -> frozenset[int]:
        """The versions of the keys in use."""
        self._look()
        return frozenset(self._hashes)

    def __reduce__(self) -> tuple[type["BlindIndex"], tuple[KeyRing]]:
        """For a worker process of this service: the keys in use when work is handed over."""
        return BlindIndex, (self._look(),)

    def tokens(self, document: Document) -> tuple[bytes, ...]:
        """A person's tokens by every key in use; the identity number's first. Any match is a match.

        A disability certificate has two a key, so that it matches the person by either number.
        """
        self._look()
        return tuple(token for version in self._hashes for token in self._tokens(version, document))

    def tokens_of(self, numbers: Sequence[bytes]) -> list[list[bytes]]:
        """The tokens of many identity numbers, normalised and valid: a list for each key in use.

        The first is what ``identity`` gives for each.
        """
        self._look()
        made = []
        for version, hashed in self._hashes.items():
            head = bytes((version,))
            made.append([head + digest[:_HASH_BYTES] for digest in hashed(numbers)])
        return made

    def identity(self, document: Document) -> bytes:
        """The one token of the person behind the document, and the first of ``tokens``.

        By the oldest key in use: it stays the same throughout a rotation.
        """
        self._look()
        return self._token(next(iter(self._hashes)), document.id_number)

    def _look(self) -> KeyRing:
        ring = self._keys.look()
        if ring is not self._of:
            keys = sorted(ring.keys.items(), key=lambda item: int(item[0]))
            self._hashes = {int(name): _hash_of(key) for name, key in keys}
            self._of = ring
        return ring

    def _tokens(self, version: int, document: Document) -> tuple[bytes, ...]:
        identity = self._token(version, document.id_number)
        if not document.is_certificate:
            return (identity,)
        return (identity, self._token(version, document.number))

    def _token(self, version: int, number: str) -> bytes:
        (digest,) = self._hashes[version]((number.encode(),))
        return bytes((version,)) + digest[:_HASH_BYTES]


def _hash_of(key: Key) -> _Hash:
    if key.algorithm in _CIPHERS:
        return _cmac(key)
    if key.algorithm == "HMAC-SHA-256":
        return _hmac_sha256(key.material)
    try:
        start = HMAC(key.material, hashes.SM3())
        start.update(_PURPOSE)
    except UnsupportedAlgorithm as error:
        raise CipherUnavailable("HMAC-SM3 is not in this build of OpenSSL") from error

    def sm3(messages: Iterable[bytes]) -> list[bytes]:
        made = []
        for message in messages:
            digest = start.copy()
            digest.update(message)
            made.append(digest.finalize())
        return made

    return sm3


_CIPHERS: Mapping[str, Callable[[bytes], BlockCipherAlgorithm]] = {
    "CMAC-AES-256": algorithms.AES,
    "CMAC-SM4": algorithms.SM4,
}


def _cmac(key: Key) -> _Hash:
    """NIST SP 800-38B, of messages that are one whole block each: a million in one call.

    Such a message's CMAC is the cipher itself, over the block with the first subkey laid upon it.
    """
    cipher = _CIPHERS[key.algorithm](key.material)

    def enciphered(blocks: bytes) -> bytes:
        # Each block is a MAC of its own: the mode is what makes them so.
        return Cipher(cipher, modes.ECB()).encryptor().update(blocks)  # noqa: S305

    try:
        subkey = _doubled(enciphered(bytes(_BLOCK)))
    except UnsupportedAlgorithm as error:
        raise CipherUnavailable(f"{key.algorithm} is not in this build of OpenSSL") from error

    def macs(messages: Iterable[bytes]) -> list[bytes]:
        blocks = _blocks(messages)
        laid = int.from_bytes(blocks) ^ int.from_bytes(subkey * (len(blocks) // _BLOCK))
        made = enciphered(laid.to_bytes(len(blocks)))
        return [made[at : at + _BLOCK] for at in range(0, len(made), _BLOCK)]

    return macs


def _blocks(numbers: Iterable[bytes]) -> bytes:
    """Each number in a block, two figures a byte: ``X`` is the figure A, ``B`` its own, F fills."""
    figures = b"".join([_NUMBER + number.ljust(_FILLED, b"F") for number in numbers])
    return bytes.fromhex(figures.replace(b"X", b"A").decode())


def _doubled(block: bytes) -> bytes:
    """The block times two in the field of 2¹²⁸, as SP 800-38B says."""
    twice = int.from_bytes(block) << 1
    if twice >> 8 * _BLOCK:
        twice ^= (1 << 8 * _BLOCK) | 0x87
    return twice.to_bytes(_BLOCK)


def _hmac_sha256(key: bytes) -> _Hash:
    """RFC 2104 with both hashes begun once: a third of the time of doing it anew for each."""
    padded = key.ljust(sha256().block_size, b"\0")
    begun_inner = sha256(bytes(byte ^ 0x36 for byte in padded) + _PURPOSE)
    begun_outer = sha256(bytes(byte ^ 0x5C for byte in padded))

    def hmacs(messages: Iterable[bytes]) -> list[bytes]:
        made = []
        for message in messages:
            inner, outer = begun_inner.copy(), begun_outer.copy()
            inner.update(message)
            outer.update(inner.digest())
            made.append(outer.digest())
        return made

    return hmacs
