"""A person's token: verified, and turned into a ``Principal`` by a configurable mapping."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from jwt.types import Options

from shared.kernel.bounded import BoundedCache
from shared.kernel.division import level_of
from shared.kernel.principal import MACHINE_ROLES, Principal, Role
from shared.web.jwks import ALGORITHMS, KeySet
from shared.web.problem import Unauthorized
from shared.web.settings import OidcSettings

ALONE = frozenset({Role.OPERATOR, Role.INSPECTOR, Role.ADMINISTRATOR})
"""Posts that are kept apart from each other and from every other (GB/T 22239: 三员分立)."""
NEVER_BY_TOKEN = MACHINE_ROLES | {Role.SYSTEM}
"""Dixian's own role, and the machines', whose scope only a machine key can carry."""

_SUBJECT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._|-]{0,63}$")
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{11}|\d{15}")
_REMEMBERED_FOR = 60.0


class TokenVerifier:
    """Verifies JWTs of one issuer (RFC 7519, RFC 8725).

    A verified token is remembered for at most a minute, so that a county working through its queue
    pays for the signature once; a key taken back by the issuer counts that much longer.
    """

    def __init__(
        self,
        settings: OidcSettings,
        keys: KeySet,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings, self._keys, self._now = settings, keys, now
        self._known: BoundedCache[bytes, tuple[float, Principal]] = BoundedCache(
            size=4096, ttl=_REMEMBERED_FOR
        )

    async def verify(self, credential: str) -> Principal:
        """The person. Raises ``Unauthorized`` with a code for each thing that can be wrong."""
        digest = sha256(credential.encode()).digest()
        known = self._known.get(digest)
        if known is not None and not self._expired(known[0]):
            return known[1]
        claims = await self._claims(credential)
        principal = principal_of(claims, self._settings)
        self._known.put(digest, (float(claims["exp"]), principal))
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        header = _header(token)
        if header.get("alg") not in ALGORITHMS:
            raise _bad("token-algorithm", "凭证的签名算法不被接受", "the algorithm is not accepted")
        if "crit" in header:
            raise _bad("token-malformed", "凭证格式不正确", "the token has critical extensions")
        kid = header.get("kid")
        key = await self._keys.find(kid if isinstance(kid, str) else None)
        if key is None:
            raise _bad("token-key", "凭证的签名密钥不明", "the signing key is not known")
        claims = _decoded(token, key)
        self._check(claims)
        return claims

    def _check(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._now().timestamp(), self._settings.leeway
        if claims.get("iss") != self._settings.issuer:
            raise _bad("token-issuer", "凭证不是本系统认可的机构签发", "the issuer is not ours")
        audience = claims.get("aud")
        if self._settings.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _bad("token-audience", "凭证不是签发给本系统的", "the audience is not ours")
        expires = _instant(claims, "exp")
        if expires is None or self._expired(expires):
            raise _bad("token-expired", "登录已过期,请重新登录", "the token has expired")
        for name in ("nbf", "iat"):
            begins = _instant(claims, name)
            if begins is not None and begins > now + leeway:
                raise _bad("token-not-yet-valid", "凭证尚未生效", "the token is not valid yet")

    def _expired(self, expires: float) -> bool:
        return self._now().timestamp() >= expires + self._settings.leeway


def principal_of(claims: Mapping[str, Any], settings: OidcSettings) -> Principal:
    """The principal that verified claims describe. Raises ``Unauthorized`` for unfit claims."""
    subject = f"person:{_pseudonym(_at(claims, settings.subject_claim))}"
    actor = _actor(claims)
    return Principal(
        subject=actor or subject,
        roles=_roles(claims, settings),
        division=_division(claims, settings),
        on_behalf_of=subject if actor else "",
    )


def _actor(claims: Mapping[str, Any]) -> str | None:
    """The person who really acts, where the token was given for standing in (RFC 8693 ``act``).

    Of a chain the outermost is the one who acts now; who acts is who is recorded.
    """
    act = claims.get("act")
    if act is None:
        return None
    return f"person:{_pseudonym(act.get('sub') if isinstance(act, dict) else None)}"


def _pseudonym(subject: Any) -> str:
    # It enters every event for ever: a name, phone or document number must not stand there.
    if not isinstance(subject, str) or not _SUBJECT.match(subject) or _LONG_NUMBER.search(subject):
        raise _bad(
            "token-subject",
            "凭证中的用户标识不可用(须为不含个人信息的假名)",
            "the subject is not a pseudonym",
        )
    return subject


def _roles(claims: Mapping[str, Any], settings: OidcSettings) -> frozenset[Role]:
    named = _at(claims, settings.roles_claim)
    names = [named] if isinstance(named, str) else named
    mapping = settings.role_map or {role.value: role for role in Role}
    given = names if isinstance(names, list) else []
    roles = frozenset(mapping[name] for name in given if isinstance(name, str) and name in mapping)
    if roles & NEVER_BY_TOKEN:
        raise _bad("token-roles", "该岗位不能凭个人凭证取得", "a role that no token can give")
    if roles & ALONE and len(roles) > 1:
        raise _bad(
            "token-roles",
            "系统管理、审计、运维岗位须分设,不得兼任",
            "administrator, inspector and operator are held alone",
        )
    return roles


def _division(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    division = _at(claims, settings.division_claim)
    try:
        level_of(division if isinstance(division, str) else "")
    except ValueError:
        raise _bad("token-division", "凭证中没有区划代码", "the token names no division") from None
    return str(division)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at ``path``: under that very name, else inwards along its dots."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def _header(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.get_unverified_header(token))
    except jwt.PyJWTError:
        raise _bad("token-malformed", "凭证格式不正确", "the token is not a JWT") from None


def _decoded(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    try:
        # Times, issuer and audience are checked by ``_check``, on the clock that was handed in.
        claims = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            options=_SIGNATURE_ONLY,
        )
    except jwt.PyJWTError:
        raise _bad("token-signature", "凭证签名无效", "the signature does not verify") from None
    return dict(claims)


_SIGNATURE_ONLY: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _bad("token-malformed", "凭证格式不正确", "a time in the token is not a number")
    return float(value)


def _bad(code: str, zh: str, en: str) -> Unauthorized:
    return Unauthorized(code, zh, en)
