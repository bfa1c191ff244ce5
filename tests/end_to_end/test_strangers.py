"""Whoever is of another place learns nothing, not even what is there: the same answer for both.

Everything that the demo's people ask for by an id is asked for again by their like from elsewhere,
once with that id and once with an id of nothing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from dixian.demo.client import Answered, Client, Json
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.tell import CHAPTERS, begin
from dixian.people import PEOPLE
from dixian.provision import SERVICES
from tests.end_to_end.asking import UNKNOWN, everything
from tests.end_to_end.counting import must_be_exactly_once
from tests.end_to_end.documented import PARAMETER, ids_of, operations
from tests.end_to_end.system import System

LIKE = {
    "village-officer": "other-village-officer",
    "town-officer": "other-town-officer",
    "county-officer": "other-county-officer",
    "county-committee": "other-county-committee",
}
"""The same post somewhere else."""
MORE: tuple[tuple[str, str, str, Json | None], ...] = (
    ("county-officer", "alerts", "/orders/{order}", None),
    ("county-officer", "alerts", "/leads/{lead}", None),
    ("village-officer", "alerts", "/orders/{order}/return", {"reason": "NOT_OUR_DUTY"}),
    ("county-officer", "alerts", "/orders/{order}/extension", {"reason": "EVIDENCE_PENDING"}),
    (
        "county-officer",
        "alerts",
        "/orders/{order}/supervision",
        {"ground": "OVERDUE", "note": "请抓紧办理"},
    ),
    (
        "county-officer",
        "alerts",
        "/orders/{order}/reveal",
        {"purpose": "ORDER_HANDLING", "parts": ["CALLER"]},
    ),
    ("county-officer", "alerts", "/leads/{lead}/reveal", {"purpose": "CONTACT"}),
    ("county-officer", "alerts", "/leads/{lead}/match", {"household_id": "{household}"}),
    (
        "county-officer",
        "alerts",
        "/leads/{lead}/disposition",
        {
            "disposition": "UNFOUNDED",
            "reason": "NO_RISK_FOUND",
            "below_line": False,
            "relocated": False,
            "note": "已入户核查",
        },
    ),
    ("county-officer", "identification", "/households/{household}", None),
    ("county-officer", "identification", "/cases/{case}", None),
    (
        "county-officer",
        "identification",
        "/households/{household}/reveal",
        {"purpose": "VERIFICATION", "records": ["{household}"], "fields": ["phone"]},
    ),
    ("county-officer", "assistance", "/plans/{plan}", None),
    ("county-officer", "assistance", "/eliminations/{elimination}", None),
    (
        "village-officer",
        "assistance",
        "/plans",
        {"case_id": "{case}"},
    ),
)
"""What the demo does not ask for: where to, and with which body."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Call:
    """One request of the demo."""

    who: str
    service: str
    method: str
    path: str
    body: str = ""

    def of_nothing(self) -> "Call":
        """The same with ids of nothing."""
        path, body = (_ID.sub(UNKNOWN, text) for text in (self.path, self.body))
        return Call(self.who, self.service, self.method, path, body)

    def by(self, who: str) -> "Call":
        """The same by somebody else."""
        return Call(who, self.service, self.method, self.path, self.body)


@dataclass
class Recording(Client):
    """The demo's people, whose requests are written down."""

    calls: list[Call] = field(default_factory=list)

    def _send(self, who: str, service: str, method: str, path: str, **options: Any) -> Json:
        body = json.dumps(options["json"]) if "json" in options else ""
        self.calls.append(Call(who, service, method, path, body))
        return super()._send(who, service, method, path, **options)


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    with system.client() as made:
        yield made


@pytest.fixture(scope="module")
def recording(client: Client) -> Recording:
    """The same people, written down."""
    return Recording(client.run, client.addresses, client.patience, http=client.http)


@pytest.fixture(scope="module")
def story(system: System, recording: Recording, silent: Screen) -> Story:
    """The demo, told to its end."""
    told = begin(recording, silent)
    for chapter in CHAPTERS:
        chapter(told)
    must_be_exactly_once(system)
    return told


@pytest.fixture(scope="module")
def asked(recording: Recording, story: Story) -> list[Call]:
    """Everything that was asked for by an id, once each, and more."""
    calls = [call for call in recording.calls if _ID.search(call.path) and call.who in LIKE]
    return [*dict.fromkeys(calls), *_more(story)]


def _more(story: Story) -> Iterator[Call]:
    ids = {
        "household": story.household,
        "case": story.case,
        "order": story.order,
        "lead": story.leads[0],
        "plan": story.plan,
        "elimination": story.elimination,
    }
    for who, service, path, body in MORE:
        method, text = ("GET", "") if body is None else ("POST", json.dumps(body))
        yield Call(who, service, method, _filled(path, ids), _filled(text, ids))


def _filled(text: str, ids: dict[str, str]) -> str:
    """Only the names of ids stand for something: a body has braces of its own."""
    return re.sub("{(" + "|".join(ids) + ")}", lambda found: ids[found[1]], text)


def test_a_stranger_gets_the_answer_that_nothing_would_get(
    system: System, client: Client, asked: list[Call]
) -> None:
    before = everything(system)
    assert len(asked) > 40
    told, vain = [], []
    for call in asked:
        stranger = call.by(LIKE[call.who])
        real, none = _answer(client, stranger), _answer(client, stranger.of_nothing())
        if none[0] == httpx.codes.UNPROCESSABLE_ENTITY:
            vain.append(f"{_ID.sub('…', call.path)}: {none}")
        if real != none:
            told.append(f"{call.method} {call.service} {_ID.sub('…', call.path)}: {real} {none}")
    assert not told, "\n".join(told)
    assert not vain, "what is no body of the act proves nothing:\n" + "\n".join(vain)
    assert everything(system) == before


def test_no_documented_endpoint_tells_a_stranger_what_is_there(
    system: System, client: Client, story: Story
) -> None:
    """Each endpoint that takes an id of the demo's, as everybody from elsewhere who may call it."""
    before = everything(system)
    known, told, asked = ids_of(story), [], 0
    for operation in (found for name in SERVICES for found in operations(client, name)):
        named = PARAMETER.findall(operation.path)
        if not known.keys() & set(named):
            continue
        for person in PEOPLE:
            if person.username.startswith("other-") and operation.allows(person):
                asked += 1
                real, none = (
                    _said(operation.sent(client, ids, who=person.username)) for ids in (known, {})
                )
                if real != none:
                    told.append(f"{operation.method} {operation.path}: {real} {none}")
    assert asked > 60
    assert not told, "\n".join(told)
    assert everything(system) == before


def test_nor_does_a_file_tell_which_of_its_households_are_elsewhere(
    client: Client, story: Story
) -> None:
    url = f"{client.addresses.assistance}/comparisons/2023Q4"
    headers = {"Authorization": f"Bearer {client.token('other-county-officer')}"}
    told = []
    for id_ in (story.household, UNKNOWN):
        content = f"household_id,benefit\n{id_},NONE\n"
        answer = client.http.post(
            url, headers=headers | {"Content-Type": "text/csv"}, content=content
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        told.append(answer.json())
    assert told[0] == told[1]
    assert told[0]["wrong"] == 1


def _said(answer: httpx.Response) -> tuple[int, Json]:
    told = {"request_id", "instance"}
    body = answer.json()
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in told}
    return answer.status_code, body


def _answer(client: Client, call: Call) -> tuple[int, Json]:
    options = {"json": json.loads(call.body)} if call.body else {}
    try:
        body = client._send(call.who, call.service, call.method, call.path, **options)
    except Answered as answer:
        told = {"request_id", "instance"}
        problem = {name: value for name, value in answer.problem.items() if name not in told}
        return answer.status, problem
    return 200, body
