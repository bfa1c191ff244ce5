"""A production service and an issuer that nobody here wrote: https, RS256, claims of its own names.

Its tokens are put together by hand, byte for byte, so that what verifies them agrees with the
standard and not merely with itself.
"""

import json
import ssl
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from dixian.access import service
from dixian.composition import module
from shared.kernel.principal import Role
from shared.testing.databases import service_database
from shared.testing.postgres import EmbeddedPostgres
from shared.web.service import Service
from shared.web.settings import OidcSettings


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    """An RSA key and the tokens it signs."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = rsa.generate_private_key(65537, 2048)

    @property
    def jwk(self) -> dict[str, str]:
        public = self.private.public_key().public_numbers()
        shown = {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256"}
        return {**shown, "n": number(public.n), "e": number(public.e)}

    def token(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        signed = f"{encoded(header)}.{encoded(claims)}"
        made = self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(made)}"


class Issuer:
    """Discovery and keys, over TLS."""

    def __init__(self, authority: trustme.CA) -> None:
        self.keys = [Key("one")]
        issuer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                documents = {
                    "/realms/gov/.well-known/openid-configuration": issuer.discovery,
                    "/certs": {"keys": [key.jwk for key in issuer.keys]},
                }
                found = documents.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def name(self) -> str:
        return f"https://127.0.0.1:{self.server.server_address[1]}/realms/gov"

    @property
    def discovery(self) -> dict[str, str]:
        return {"issuer": self.name, "jwks_uri": self.name.replace("/realms/gov", "/certs")}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.name,
            "aud": ["account", "dixian-37"],
            "sub": "u-4711",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": ["offline_access", "xczx-jbr"]},
            "org": {"code": "370114"},
            **changes,
        }

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def issuer(authority: trustme.CA) -> Iterator[Issuer]:
    made = Issuer(authority)
    yield made
    made.close()


@pytest.fixture
async def made(
    issuer: Issuer, authority: trustme.CA, postgres: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[Service]:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    oidc = OidcSettings(
        issuer=issuer.name,
        audience="dixian-37",
        roles_claim="realm_access.roles",
        division_claim="org.code",
        role_map={"xczx-jbr": Role.OFFICER, "xtgl": Role.ADMINISTRATOR, "sj": Role.INSPECTOR},
        ca_file=ca,
        refetch_interval=0,
    )
    async with service_database(postgres, module("identification").SCHEMA) as urls:
        found = service("identification", tmp_path, database_url=urls.writer, oidc=oidc)
        yield found
        await found.stop()


@pytest.fixture
async def client(made: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=made.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://identification") as found:
        yield found


async def asked(client: httpx.AsyncClient, token: str) -> tuple[int, str | None]:
    answer = await client.get("/households", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code")


async def test_its_people_come_in_by_their_own_names_for_roles(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    [key] = issuer.keys
    assert await asked(client, key.token(issuer.claims())) == (200, None)
    two = {"realm_access": {"roles": ["xtgl", "sj"]}}
    beside = {"realm_access": {"roles": ["xczx-jbr", "xtgl"]}}
    for changes, expected in (
        (two, (401, "token-roles")),
        (beside, (401, "token-roles")),
        ({"realm_access": {"roles": ["xtgl"]}}, (403, "forbidden")),
        ({"realm_access": {"roles": ["nobody"]}}, (403, "forbidden")),
        ({"org": {}}, (401, "token-division")),
        ({"org": {"code": "37011"}}, (401, "token-division")),
        ({"aud": "account"}, (401, "token-audience")),
        ({"iss": "https://elsewhere"}, (401, "token-issuer")),
        ({"exp": int(time.time()) - 61}, (401, "token-expired")),
        ({"nbf": int(time.time()) + 120}, (401, "token-not-yet-valid")),
        ({"sub": "370114199001011234"}, (401, "token-subject")),
    ):
        assert await asked(client, key.token(issuer.claims(**changes))) == expected, changes
    # Clocks may differ by a minute.
    late = issuer.claims(exp=int(time.time()) - 50)
    assert await asked(client, key.token(late)) == (200, None)


async def test_what_it_did_not_sign_is_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    [key] = issuer.keys
    claims = issuer.claims()
    assert await asked(client, Key("one").token(claims)) == (401, "token-signature")
    assert await asked(client, Key("two").token(claims)) == (401, "token-key")
    unsigned = f"{encoded({'alg': 'none'})}.{encoded(claims)}."
    assert await asked(client, unsigned) == (401, "token-algorithm")
    # The public key taken for a shared secret.
    secret = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mac = hmac.HMAC(secret, hashes.SHA256())
    signed = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims)}"
    mac.update(signed.encode())
    assert await asked(client, f"{signed}.{encoded(mac.finalize())}") == (401, "token-algorithm")
    head, _, signature = key.token(claims).split(".")
    raised = encoded({**claims, "org": {"code": "CN"}})
    assert await asked(client, f"{head}.{raised}.{signature}") == (401, "token-signature")


async def test_a_rotated_key_is_taken_up_and_the_former_one_let_go(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    [former] = issuer.keys
    assert await asked(client, former.token(issuer.claims())) == (200, None)
    issuer.keys = [Key("next")]
    assert await asked(client, issuer.keys[0].token(issuer.claims())) == (200, None)
    assert await asked(client, former.token(issuer.claims(jti="again"))) == (401, "token-key")
    issuer.keys = [former]
