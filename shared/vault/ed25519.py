"""Ed25519 signatures of people, logs and witnesses: whether one holds."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verifies(public: str, message: bytes, signature: str) -> bool:
    """Whether the Ed25519 key ``public`` (hex) made ``signature`` (hex) over ``message``."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
