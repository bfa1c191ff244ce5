"""Tokens: what is accepted, and every way that is refused with its own code."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives import hmac as hmac_
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Unavailable
from shared.web.access import UnsafeAccess, open_access
from shared.web.jwks import KeySet, usable_keys
from shared.web.problem import Unauthorized
from shared.web.settings import Mode, OidcSettings
from shared.web.tokens import TokenVerifier

ISSUER = "https://id.example.cn/realm"
NOW = datetime(2023, 8, 1, 2, 0, tzinfo=UTC)
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """A public JWK."""
    algorithm: Any = {
        rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm,
        ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm,
        ed25519.Ed25519PrivateKey: jwt.algorithms.OKPAlgorithm,
    }[next(kind for kind in _KINDS if isinstance(key, kind))]
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


_KINDS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)


class FakeIssuer:
    """An issuer whose documents and health the test decides."""

    def __init__(self) -> None:
        self.keys = [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec"), jwk(ED_KEY, "ed")]
        self.document: Any = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.up, self.readings = True, 0
        self.app = Starlette(
            routes=[
                Route("/realm/.well-known/openid-configuration", self._discovery),
                Route("/realm/keys", self._keys),
            ]
        )

    async def _discovery(self, _request: Request) -> Response:
        self.readings += 1
        return JSONResponse(self.document if self.up else {}, status_code=200 if self.up else 503)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": self.keys})


class Elapsed:
    """A monotonic clock in the test's hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def oidc() -> OidcSettings:
    return OidcSettings(issuer=ISSUER)


@pytest.fixture
async def keys(issuer: FakeIssuer, elapsed: Elapsed, oidc: OidcSettings) -> AsyncIterator[KeySet]:
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=issuer.app))
    made = KeySet(oidc, client=client, elapsed=elapsed)
    yield made
    await made.close()


@pytest.fixture
def verifier(keys: KeySet, oidc: OidcSettings) -> TokenVerifier:
    return TokenVerifier(oidc, keys, now=lambda: NOW)


def claims(**changes: Any) -> dict[str, Any]:
    made = {
        "iss": ISSUER,
        "aud": "dixian",
        "sub": "8f1c2d3e-officer",
        "iat": NOW.timestamp(),
        "nbf": NOW.timestamp(),
        "exp": (NOW + timedelta(hours=1)).timestamp(),
        "roles": ["officer", "offline_access"],
        "division": "370114",
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def signed(key: Any = RSA_KEY, alg: str = "RS256", kid: str | None = "rsa", **changes: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**changes), key, algorithm=alg, headers=headers)


def forged(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims()).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


OFFICER = Principal("person:8f1c2d3e-officer", frozenset({Role.OFFICER}), "370114")


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        signed(EC_KEY, "ES256", "ec"),
        signed(ED_KEY, "EdDSA", "ed"),
        signed(aud=["other", "dixian"]),
        signed(exp=(NOW - timedelta(seconds=59)).timestamp()),
        signed(nbf=(NOW + timedelta(seconds=60)).timestamp()),
        signed(nbf=None, iat=None),
        signed(roles="officer"),
    ],
    ids=["rsa", "ec", "ed", "two audiences", "late, within skew", "early", "no nbf", "one role"],
)
async def test_a_good_token_gives_its_principal(verifier: TokenVerifier, token: str) -> None:
    assert await verifier.verify(token) == OFFICER


async def test_who_stands_in_is_who_acts(verifier: TokenVerifier) -> None:
    """RFC 8693: the token's subject is stood in for; its actor is the person before the screen."""
    found = await verifier.verify(signed(act={"sub": "deputy-7", "act": {"sub": "earlier"}}))
    assert (found.subject, found.on_behalf_of) == ("person:deputy-7", OFFICER.subject)
    assert (found.roles, found.division) == (OFFICER.roles, OFFICER.division)


def hs256_with_the_public_key() -> str:
    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = forged({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).rsplit(".", 1)[0]
    mac = hmac_.HMAC(pem, hashes.SHA256())
    mac.update(unsigned.encode())
    signature = base64.urlsafe_b64encode(mac.finalize()).rstrip(b"=").decode()
    return f"{unsigned}.{signature}"


def tampered() -> str:
    head, _, signature = signed().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(roles=["committee"])).encode())
    return f"{head}.{body.rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("", "token-malformed"),
        ("abc", "token-malformed"),
        ("a.b.c", "token-malformed"),
        (forged({"alg": "none"}), "token-algorithm"),
        (forged({"alg": "None", "kid": "rsa"}), "token-algorithm"),
        (forged({"kid": "rsa"}), "token-algorithm"),
        (forged({"alg": ["RS256"], "kid": "rsa"}), "token-algorithm"),
        (hs256_with_the_public_key(), "token-algorithm"),
        (signed(RSA_KEY, "RS384"), "token-algorithm"),
        (forged({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": False}), "token-malformed"),
        (forged({"alg": "RS256", "kid": "rsa"}), "token-signature"),
        (forged({"alg": "RS256", "kid": "rsa"}, b"\x00" * 256), "token-signature"),
        (forged({"alg": "ES256", "kid": "rsa"}, b"\x00" * 64), "token-signature"),
        (signed(OTHER_KEY), "token-signature"),
        (tampered(), "token-signature"),
        (signed(kid="unknown"), "token-key"),
        (signed(kid=None), "token-key"),
        (forged({"alg": "RS256", "kid": 7}), "token-malformed"),
        (signed(iss="https://evil.example"), "token-issuer"),
        (signed(iss=ISSUER + "/"), "token-issuer"),
        (signed(iss=None), "token-issuer"),
        (signed(aud="other"), "token-audience"),
        (signed(aud=["other"]), "token-audience"),
        (signed(aud=None), "token-audience"),
        (signed(exp=(NOW - timedelta(seconds=60)).timestamp()), "token-expired"),
        (signed(exp=None), "token-expired"),
        (signed(nbf=(NOW + timedelta(seconds=61)).timestamp()), "token-not-yet-valid"),
        (signed(iat=(NOW + timedelta(days=1)).timestamp()), "token-not-yet-valid"),
        (signed(sub=None), "token-subject"),
        (signed(sub="张三"), "token-subject"),
        (signed(sub="13812345678"), "token-subject"),
        (signed(sub="370114199001011234"), "token-subject"),
        (signed(act="deputy-7"), "token-subject"),
        (signed(act={}), "token-subject"),
        (signed(act={"sub": "张三"}), "token-subject"),
        (signed(division=None), "token-division"),
        (signed(division="37011"), "token-division"),
        (signed(division=370114), "token-division"),
        (signed(roles=["system"]), "token-roles"),
        (signed(roles=["officer", "system"]), "token-roles"),
        (signed(roles=["hotline"]), "token-roles"),
        (signed(roles=["feed"]), "token-roles"),
        (signed(roles=["inspector", "administrator"]), "token-roles"),
        (signed(roles=["operator", "inspector"]), "token-roles"),
        (signed(roles=["administrator", "officer"]), "token-roles"),
    ],
)
async def test_a_bad_token_is_refused(verifier: TokenVerifier, token: str, code: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        await verifier.verify(token)
    assert (refused.value.code, refused.value.field) == (code, "Authorization")
    assert 'error="invalid_token"' in refused.value.challenge


@pytest.mark.parametrize(
    "token",
    [
        signed(exp="soon"),
        signed(exp=True),
        signed(iat="x"),
    ],
)
async def test_a_time_that_is_no_number_is_refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


async def test_somebody_without_a_role_of_ours_is_known_and_allowed_nothing(
    verifier: TokenVerifier,
) -> None:
    known = await verifier.verify(signed(roles=["offline_access"]))
    assert known.roles == frozenset()


async def test_claims_are_mapped_by_configuration(keys: KeySet) -> None:
    mapped = OidcSettings(
        issuer=ISSUER,
        audience="account",
        roles_claim="realm_access.roles",
        division_claim="xzqh",
        subject_claim="employee_id",
        role_map={"dx-jingban": Role.OFFICER, "dx-jiwei": Role.COMMITTEE},
    )
    token = signed(
        aud="account",
        roles=["administrator"],
        realm_access={"roles": ["dx-jingban", "officer", "system"]},
        xzqh="3701",
        employee_id="e-17",
    )
    assert await TokenVerifier(mapped, keys, now=lambda: NOW).verify(token) == Principal(
        "person:e-17", frozenset({Role.OFFICER}), "3701"
    )


async def test_a_remembered_token_still_expires(keys: KeySet, oidc: OidcSettings) -> None:
    now = [NOW]
    verifier = TokenVerifier(oidc, keys, now=lambda: now[0])
    token = signed(exp=(NOW + timedelta(seconds=5)).timestamp())
    assert await verifier.verify(token) == await verifier.verify(token) == OFFICER
    now[0] = NOW + timedelta(seconds=65)
    with pytest.raises(Unauthorized) as refused:
        await verifier.verify(token)
    assert refused.value.code == "token-expired"


async def test_a_rotated_key_is_found_with_one_reading(
    verifier: TokenVerifier, issuer: FakeIssuer, elapsed: Elapsed
) -> None:
    await verifier.verify(signed())
    issuer.keys.append(jwk(OTHER_KEY, "new"))
    elapsed.seconds += 31
    assert await verifier.verify(signed(OTHER_KEY, kid="new")) == OFFICER
    assert issuer.readings == 2


async def test_made_up_key_ids_do_not_flood_the_issuer(
    verifier: TokenVerifier, issuer: FakeIssuer, elapsed: Elapsed
) -> None:
    await verifier.verify(signed())
    elapsed.seconds += 31
    for number in range(20):
        with pytest.raises(Unauthorized):
            await verifier.verify(signed(kid=f"made-up-{number}"))
    assert issuer.readings == 2


async def test_a_withdrawn_key_stops_counting(
    keys: KeySet, issuer: FakeIssuer, elapsed: Elapsed
) -> None:
    assert await keys.find("rsa") is not None
    issuer.keys = issuer.keys[1:]
    elapsed.seconds += 601
    assert await keys.find("rsa") is None


async def test_known_keys_serve_while_the_issuer_is_down(
    keys: KeySet, issuer: FakeIssuer, elapsed: Elapsed
) -> None:
    assert await keys.find("rsa") is not None
    issuer.up = False
    elapsed.seconds += 3600
    assert await keys.find("rsa") is not None
    elapsed.seconds += 25 * 3600
    with pytest.raises(Unavailable) as refused:
        await keys.find("rsa")
    assert refused.value.code == "issuer-unavailable"
    issuer.up = True
    elapsed.seconds += 31
    assert await keys.find("rsa") is not None


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER, "jwks_uri": "http://id.example.cn/realm/keys"},
        {"issuer": ISSUER},
        ["not an object"],
    ],
)
async def test_a_discovery_that_does_not_fit_is_not_used(
    keys: KeySet, issuer: FakeIssuer, document: Any
) -> None:
    issuer.document = document
    with pytest.raises(Unavailable):
        await keys.check()


async def test_an_issuer_without_usable_keys_is_not_used(keys: KeySet, issuer: FakeIssuer) -> None:
    issuer.keys = []
    with pytest.raises(Unavailable):
        await keys.find("rsa")


async def test_attempts_without_any_key_are_spaced(
    keys: KeySet, issuer: FakeIssuer, elapsed: Elapsed
) -> None:
    issuer.up = False
    for _ in range(5):
        with pytest.raises(Unavailable):
            await keys.find("rsa")
    assert issuer.readings == 1
    elapsed.seconds += 1
    issuer.up = True
    assert await keys.find("rsa") is not None


async def test_the_only_key_serves_tokens_without_a_key_id(
    verifier: TokenVerifier, issuer: FakeIssuer
) -> None:
    issuer.keys = issuer.keys[:1]
    assert await verifier.verify(signed(kid=None)) == OFFICER


def test_weak_and_foreign_keys_are_left_out() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}
    p384 = ec.generate_private_key(ec.SECP384R1())
    usable = usable_keys(
        {
            "keys": [
                jwk(weak, "weak"),
                secret,
                jwk(p384, "p384"),
                jwk(RSA_KEY, "enc", use="enc"),
                jwk(EC_KEY, "good", use="sig"),
                "nonsense",
                {"kty": "RSA", "kid": "cut"},
            ]
        }
    )
    assert list(usable) == ["good"]
    assert usable_keys({"keys": "none"}) == {}


PART = st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
JSON_PART = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.dictionaries(st.sampled_from(["alg", "kid", "typ", "b64", "crit"]), inner),
    max_leaves=6,
).map(lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40) | st.tuples(PART | JSON_PART, PART | JSON_PART, PART).map(".".join))
async def test_any_text_is_refused_and_never_a_fault(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthorized):
        await verifier.verify(token)


@pytest.mark.parametrize(
    "settings",
    [
        OidcSettings(issuer="http://127.0.0.1:8100"),
        OidcSettings(issuer="https://id.example.cn", allow_http=True),
    ],
)
def test_production_takes_no_issuer_without_tls(settings: OidcSettings) -> None:
    with pytest.raises(UnsafeAccess):
        open_access(settings, Mode.PRODUCTION, _nowhere)


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_safe_issuer_opens_in_every_mode(mode: Mode) -> None:
    _, keys = open_access(OidcSettings(issuer="https://id.example.cn"), mode, _nowhere)
    await keys.close()


def _nowhere() -> Any:
    raise AssertionError("no key is looked up here")
