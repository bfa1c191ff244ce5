"""How the demo speaks to the system: as each person, over HTTP, patient and never twice.

Every act carries an ``Idempotency-Key`` made from the run and the step, so that a request whose
answer was lost, because a process died under it, is simply sent again.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import httpx

from dixian.people import PASSWORD, machine

T = TypeVar("T")
Json = dict[str, Any]

_AGAIN = frozenset({502, 503, 504})
"""Answers that say "not now": the service, or something it needs, is on its way up."""
_PAUSE = 0.25


@dataclass(frozen=True)
class Addresses:
    """Where the system listens."""

    issuer: str = "http://127.0.0.1:8100"
    alerts: str = "http://127.0.0.1:8101"
    identification: str = "http://127.0.0.1:8102"
    assistance: str = "http://127.0.0.1:8103"
    audit: str = "http://127.0.0.1:8104"

    def of(self, service: str) -> str:
        """The base address of a service, or of the issuer."""
        address: str = getattr(self, service)
        return address


class Answered(Exception):
    """The system said no, or failed: the problem it answered with."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status, self.problem = status, problem


class GaveUp(Exception):
    """Something expected did not come in time."""


@dataclass
class Client:
    """The demo's people and machines at their desks. One client a run."""

    run: UUID
    addresses: Addresses
    patience: float = 120.0
    """Seconds to wait for a system that is away, and for what must follow from an act."""
    waiting: Callable[[str], None] = lambda _why: None
    """Told, once a wait, why the demo waits."""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))
    _tokens: dict[str, str] = field(default_factory=dict)

    def act(self, who: str, service: str, path: str, body: Json | None = None) -> Json:
        """``POST`` as ``who``; the answer's body. Raises ``Answered`` for a refusal."""
        headers = {"Idempotency-Key": _key(self.run, who, path, body or {})}
        return self._send(who, service, "POST", path, json=body or {}, headers=headers)

    def get(self, who: str, service: str, path: str, **params: Any) -> Json:
        """``GET`` as ``who``."""
        return self._send(who, service, "GET", path, params=params)

    def text(self, service: str, path: str) -> str:
        """A public text, such as a checkpoint."""
        return self._patiently(lambda: self.http.get(self.addresses.of(service) + path)).text

    def eventually(self, what: str, look: Callable[[], T | None]) -> T:
        """What ``look`` finds, as soon as it finds it: a neighbour has reacted by then."""
        until = time.monotonic() + self.patience
        while (found := look()) is None:
            if time.monotonic() > until:
                raise GaveUp(f"{what}: nothing within {self.patience:.0f} s")
            time.sleep(_PAUSE / 5)
        return found

    def today(self) -> date:
        """The system's business day."""
        shown = self.get("operator", "identification", "/demo/clock")
        return date.fromisoformat(shown["today"])

    def move_clock(self, to: date) -> None:
        """Move the business clock of every service to a day; the system has to be in demo mode."""
        for service in ("alerts", "identification", "assistance", "audit"):
            self._send("operator", service, "POST", "/demo/clock", json={"today": to.isoformat()})

    def _send(self, who: str, service: str, method: str, path: str, **options: Any) -> Json:
        url = self.addresses.of(service) + path
        headers = options.pop("headers", {}) | {"Accept-Language": "zh"}

        def send() -> httpx.Response:
            signed = headers | {"Authorization": f"Bearer {self.token(who)}"}
            return self.http.request(method, url, headers=signed, **options)

        answer = self._patiently(send)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.pop(who, None)
            answer = self._patiently(send)
        body: Json = answer.json() if answer.content else {}
        if answer.is_error:
            raise Answered(answer.status_code, body)
        return body

    def token(self, who: str) -> str:
        """A person's access token, or a machine's key."""
        if who.startswith("machine:"):
            return machine(who.removeprefix("machine:")).credential
        if who not in self._tokens:
            answer = self._patiently(
                lambda: self.http.post(
                    self.addresses.issuer + "/token",
                    data={"grant_type": "password", "username": who, "password": PASSWORD},
                )
            )
            answer.raise_for_status()
            self._tokens[who] = answer.json()["access_token"]
        return self._tokens[who]

    def _patiently(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        until = time.monotonic() + self.patience
        told = False
        while True:
            try:
                answer = send()
                why = f"HTTP {answer.status_code}"
                if answer.status_code not in _AGAIN:
                    return answer
            except httpx.TransportError as error:
                why = type(error).__name__
            if time.monotonic() > until:
                raise GaveUp(f"the system did not answer within {self.patience:.0f} s ({why})")
            if not told:
                self.waiting(why)
                told = True
            time.sleep(_PAUSE)


def _key(run: UUID, who: str, path: str, body: Json) -> str:
    """The same for the same step of the same run, and for nothing else."""
    parts = [str(run), who, path, json.dumps(body, sort_keys=True)]
    return sha256("\x1f".join(parts).encode()).hexdigest()
