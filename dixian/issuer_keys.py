"""The demo issuer's signing key: P-256, made on the first start, kept in a file of its own."""

import base64
import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

_THUMBPRINT_MEMBERS = ("crv", "kty", "x", "y")


@dataclass(frozen=True)
class SigningKey:
    """A private key with what is published of it."""

    private: ec.EllipticCurvePrivateKey
    public: dict[str, Any]
    """The public JWK."""
    kid: str
    """Its thumbprint (RFC 7638)."""

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKey":
        """The key of the file; on the first start a new one, readable by its owner only."""
        if not path.exists():
            _write(path, ec.generate_private_key(ec.SECP256R1()))
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{path} holds no P-256 key")
        return cls.of(private)

    @classmethod
    def of(cls, private: ec.EllipticCurvePrivateKey) -> "SigningKey":
        """The key with its public half and its name."""
        public = json.loads(ECAlgorithm.to_jwk(private.public_key()))
        kid = _thumbprint(public)
        return cls(private, {**public, "kid": kid, "use": "sig", "alg": "ES256"}, kid)


def _thumbprint(public: dict[str, Any]) -> str:
    members = {name: public[name] for name in _THUMBPRINT_MEMBERS}
    digest = sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _write(path: Path, private: ec.EllipticCurvePrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
