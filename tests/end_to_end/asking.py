"""Requests as they should not be: sent in both languages, and what must hold of every refusal."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from dixian.demo.client import Client
from dixian.demo.story import Story
from dixian.provision import SERVICES, Tenant
from tests.end_to_end.installation import Installation

_CHINESE = re.compile(r"[一-鿿]")
_STATE = "schemaname in ('rm', 'vault', 'matching') or (schemaname = 'es' and tablename in" + (
    " ('event', 'idempotency', 'deadline', 'parked'))"
)
"""The tables whose every row a refused request must leave as it was."""

Body = Callable[[Story], Any]


@dataclass(frozen=True)
class Asked:
    """One request."""

    who: str
    """A person of the demo, ``machine:…``, or nobody at all."""
    service: str
    path: str
    """``{household}``, ``{case}``, ``{order}``, ``{unknown}`` stand for ids."""
    body: Body | None = None
    """What the body is to be, as JSON; or ``content``, as it is."""
    content: bytes | Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Refused:
    """The answer that it must get."""

    status: int
    code: str
    field: str | None = None
    rule: str | None = None


def send(client: Client, story: Story, asked: Asked, language: str = "zh") -> httpx.Response:
    """Send it once."""
    headers = {"Accept-Language": language, **asked.headers}
    if asked.who and "Authorization" not in headers:
        headers["Authorization"] = f"Bearer {client.token(asked.who)}"
    options: dict[str, Any] = {}
    if asked.body is not None:
        options["json"] = asked.body(story)
    elif asked.content is not None:
        content = asked.content
        options["content"] = content if isinstance(content, bytes) else iter(tuple(content))
        headers.setdefault("Content-Type", "application/json")
    path = asked.path.format(
        household=story.household, case=story.case, order=story.order, unknown=UNKNOWN
    )
    url = client.addresses.of(asked.service) + path
    return client.http.request(asked.method, url, headers=headers, **options)


UNKNOWN = "00000000-0000-7000-8000-000000000000"
"""The id of nothing."""


def must_be_refused(client: Client, story: Story, asked: Asked, refused: Refused) -> None:
    """The answer is that problem, in the language that was asked for, and says nothing else."""
    zh, en = (_problem(send(client, story, asked, language), refused) for language in ("zh", "en"))
    assert _CHINESE.search(zh["detail"]), zh
    assert _CHINESE.search(zh["title"]), zh
    assert not _CHINESE.search(en["detail"]), en
    assert not _CHINESE.search(en["title"]), en


def _problem(answer: httpx.Response, refused: Refused) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    found = Refused(answer.status_code, problem["code"], problem.get("field"), problem.get("rule"))
    assert found == refused, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == refused.status
    assert problem["type"] == f"/problems/{refused.code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["instance"] == f"/requests/{problem['request_id']}"
    if refused.rule:
        assert refused.rule in problem["detail"]
    return problem


def everything(installation: Installation) -> dict[str, str]:
    """A digest of every table's rows that a refused request must leave as they were."""
    return {
        f"{service} {row['name']}": row["digest"]
        for service in SERVICES
        for row in installation.rows(Tenant(service).database, _digests(installation, service))
    }


def _digests(installation: Installation, service: str) -> str:
    rows = installation.rows(
        Tenant(service).database,
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        f" where {_STATE} order by 1",
    )
    return " union all ".join(
        f"select '{row['name']}' as name, count(*) || ' rows, ' ||"
        f" coalesce(md5(string_agg(t::text, '' order by t::text)), '') as digest"
        f" from {row['name']} t"
        for row in rows
    )
