"""Worked bad requests over HTTP: each is refused with its own code, and nothing is half done.

One household with a case that has just opened; every request below would change it if it could.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dixian.demo.client import Client
from dixian.demo.people import family
from dixian.demo.reports import household, leads, policy, register
from dixian.demo.screen import Screen
from dixian.demo.story import Story
from dixian.demo.tell import begin
from dixian.people import COUNTY, OTHER_COUNTY, VILLAGE
from tests.end_to_end.asking import UNKNOWN, Asked, Refused, everything, must_be_refused, send
from tests.end_to_end.counting import must_be_exactly_once
from tests.end_to_end.system import System

LIMIT = 1024 * 1024
_CASE = "/cases/{case}"


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    with system.client() as made:
        yield made


@pytest.fixture(scope="module")
def story(system: System, client: Client, silent: Screen) -> Story:
    """A household whose case has opened; nothing moves by itself any more."""
    told = begin(client, silent)
    for chapter in (policy, register, leads):
        chapter(told)
    must_be_exactly_once(system)
    return told


def registering(_story: Story, **changes: Any) -> dict[str, Any]:
    return household(family()) | changes


def approval(story: Story, **changes: Any) -> dict[str, Any]:
    return {
        "category": "UNSTABLE_EXIT",
        "authority": "COMMITTEE",
        "document": "章农委纪〔2023〕8号",
        "valid_from": story.day(0),
        "valid_until": story.day(30),
    } | changes


def alert(story: Story, **changes: Any) -> dict[str, Any]:
    return {
        "feed": "medical-insurance",
        "external_id": "MI-refused",
        "type": "MEDICAL_YEAR",
        "person": {"name": "某某", "document_number": story.people[3].number},
        "division": COUNTY,
        "amount": 1_800_000,
        "period": f"{story.today:%Y-%m}",
        "happened_on": story.day(0),
    } | changes


def naming(_story: Story) -> dict[str, Any]:
    return {
        "village_officer": "person:village-officer",
        "town_officer": "person:town-officer",
    }


REGISTER = Asked("village-officer", "identification", "/households", body=registering)
APPROVE = Asked("county-committee", "identification", f"{_CASE}/approval", body=approval)
NAME = Asked("town-officer", "identification", f"{_CASE}/officers", body=naming)
ALERT = Asked("machine:medical-insurance", "alerts", "/alerts", body=alert)
ASSIGN = Asked(
    "county-officer", "alerts", "/orders/{order}/assignment", body=lambda _: {"assignee": VILLAGE}
)


def raw(content: bytes, **headers: str) -> Asked:
    """The register's door, with these very bytes."""
    return replace(REGISTER, body=None, content=content, headers=headers)


def wrong(**changes: Any) -> Asked:
    """A registration with something wrong in it."""
    return replace(REGISTER, body=lambda story: registering(story, **changes))


def with_member(**changes: Any) -> Asked:
    """A registration with something wrong in its first member."""

    def body(story: Story) -> dict[str, Any]:
        made = registering(story)
        first, *others = made["members"]
        return made | {"members": [first | changes, *others]}

    return replace(REGISTER, body=body)


def header(asked: Asked, **headers: str) -> Asked:
    """The same request with more headers."""
    return replace(asked, headers={name.replace("_", "-"): text for name, text in headers.items()})


THE_BODY = {
    "a field nobody knows": (
        wrong(nickname="x"),
        Refused(422, "unknown-field", "nickname"),
    ),
    "a field nobody knows, further in": (
        with_member(nickname="x"),
        Refused(422, "unknown-field", "members[0].nickname"),
    ),
    "a wrong type": (
        wrong(members="four"),
        Refused(422, "wrong-type", "members"),
    ),
    "a number where a word belongs": (
        with_member(name=7),
        Refused(422, "wrong-type", "members[0].name"),
    ),
    "a value that is not in the list": (
        wrong(history="RICH"),
        Refused(422, "not-allowed", "history"),
    ),
    "a field that is missing": (
        replace(APPROVE, body=lambda _: {"category": "UNSTABLE_EXIT"}),
        Refused(422, "missing-field", "authority"),
    ),
    "no body at all": (
        replace(APPROVE, body=None),
        Refused(422, "missing-body", "body"),
    ),
    "a division that is no code": (
        wrong(division="three"),
        Refused(422, "wrong-format", "division"),
    ),
    "a division that is not there": (
        replace(
            wrong(division="370114101999", hukou_place="370114101999", residence="370114101999"),
            who="county-officer",
        ),
        Refused(422, "unknown-division", "division", "R1"),
    ),
    "a document number with a wrong check digit": (
        with_member(document_number="370181197904120000"),
        Refused(422, "document-number-checksum", "members[0].document_number"),
    ),
    "a day that has not come": (
        replace(
            NAME,
            body=lambda story: (
                naming(story) | {"occurred_on": (story.today + timedelta(days=2)).isoformat()}
            ),
        ),
        Refused(422, "occurs-in-the-future", "occurred_on", "K6"),
    ),
    "a feed that the key is not for": (
        replace(ALERT, body=lambda story: alert(story, feed="civil-affairs")),
        Refused(403, "forbidden", None, "R6"),
    ),
    "bytes that are not JSON": (
        raw(b'{"division": '),
        Refused(400, "malformed-json"),
    ),
    "bytes that are not UTF-8": (
        raw(b'{"address": "\xff\xfe"}'),
        Refused(400, "invalid-utf8"),
    ),
    "the same field twice": (
        raw(b'{"division": "37", "division": "370114101200"}'),
        Refused(400, "duplicate-key"),
    ),
    "NaN": (
        raw(b'{"division": NaN}'),
        Refused(400, "malformed-json"),
    ),
    "too deep": (
        raw(b"[" * 100_000 + b"]" * 100_000),
        Refused(400, "json-too-deep"),
    ),
    "half a surrogate pair": (
        raw(b'{"address": "\\ud800"}'),
        Refused(400, "unstorable-text"),
    ),
    "a form": (
        raw(b"division=37", **{"Content-Type": "application/x-www-form-urlencoded"}),
        Refused(415, "unsupported-media-type", "Content-Type"),
    ),
    "a body over the limit, declared": (
        raw(b" " * (LIMIT + 1)),
        Refused(413, "body-too-large"),
    ),
    "a body over the limit, in chunks": (
        replace(REGISTER, body=None, content=(b" " * 65_536,) * 17),
        Refused(413, "body-too-large"),
    ),
}

THE_PROCEDURE = {
    "an approval before everything else": (
        APPROVE,
        Refused(409, "out-of-order", None, "R51"),
    ),
    "the end of a notice that was never posted": (
        Asked("village-officer", "identification", f"{_CASE}/notice/close", body=lambda _: {}),
        Refused(409, "out-of-order", None, "R51"),
    ),
    "an order closed before it was handled": (
        Asked("county-officer", "alerts", "/orders/{order}/closure", body=lambda _: {}),
        Refused(409, "order-out-of-order", None, "R115"),
    ),
    "a version that is not the latest": (
        header(NAME, If_Match='"1"'),
        Refused(412, "stale-version", "If-Match"),
    ),
    "a version that is none": (
        header(NAME, If_Match="latest"),
        Refused(400, "if-match-malformed", "If-Match"),
    ),
    "a key with blanks": (
        header(NAME, Idempotency_Key="two words"),
        Refused(400, "idempotency-key-malformed", "Idempotency-Key"),
    ),
    "an order number that was another order's": (
        Asked(
            "machine:hotline",
            "alerts",
            "/orders",
            body=lambda story: {
                "order_no": f"DEMO{story.client.run.hex[:12].upper()}",
                "kind": "CONSULT",
                "called_on": story.day(0),
                "division": VILLAGE,
                "caller": {},
                "text": "别的事",
            },
        ),
        Refused(409, "order-number-reused", "order_no", "R116"),
    ),
}

NOT_THERE = {
    "a household": (
        Asked("village-officer", "identification", "/households/{unknown}", method="GET"),
        Refused(404, "not-found"),
    ),
    "a case": (
        replace(NAME, path=f"/cases/{UNKNOWN}/officers"),
        Refused(404, "not-found"),
    ),
    "an order": (
        replace(ASSIGN, path=f"/orders/{UNKNOWN}/assignment"),
        Refused(404, "not-found"),
    ),
    "a plan": (
        Asked("village-officer", "assistance", "/plans/{unknown}/submission", body=lambda _: {}),
        Refused(404, "not-found"),
    ),
    "an id that is none": (
        replace(NAME, path="/cases/seven/officers"),
        Refused(422, "wrong-type", "case_id"),
    ),
    "a URL": (
        replace(NAME, path="/nowhere"),
        Refused(404, "no-such-route"),
    ),
    "a method": (
        replace(NAME, method="DELETE"),
        Refused(405, "method-not-allowed"),
    ),
}

WHO = {
    "nobody": (
        replace(APPROVE, who=""),
        Refused(401, "no-token", "Authorization"),
    ),
    "somebody with a made-up token": (
        replace(APPROVE, headers={"Authorization": "Bearer eyJ.abc.def"}),
        Refused(401, "token-malformed", "Authorization"),
    ),
    "a machine with a made-up key": (
        replace(ALERT, headers={"Authorization": "Bearer dxk_0123456789abcdef_" + "0" * 64}),
        Refused(401, "machine-key", "Authorization"),
    ),
    "somebody of another role": (
        replace(APPROVE, who="inspector"),
        Refused(403, "forbidden", None, "R1"),
    ),
    "somebody of a lower level": (
        replace(APPROVE, who="village-officer"),
        Refused(403, "forbidden", None, "R1"),
    ),
    "somebody of a higher level": (
        replace(APPROVE, who="province-officer"),
        Refused(403, "forbidden", None, "R1"),
    ),
    "a machine at a person's door": (
        replace(ASSIGN, who="machine:hotline"),
        Refused(403, "forbidden", None, "R1"),
    ),
    "another village's officer": (
        replace(REGISTER, who="other-village-officer"),
        Refused(403, "forbidden", None, "R1"),
    ),
    "another county's officer, for a household here": (
        replace(REGISTER, who="other-county-officer"),
        Refused(403, "forbidden", None, "R1"),
    ),
}

EVERY = THE_BODY | THE_PROCEDURE | NOT_THERE | WHO


@pytest.mark.parametrize("what", EVERY)
def test_refused_in_both_languages_and_nothing_half_done(
    system: System, client: Client, story: Story, what: str
) -> None:
    asked, refused = EVERY[what]
    before = everything(system)
    must_be_refused(client, story, asked, refused)
    assert everything(system) == before


def test_a_token_that_somebody_else_signed_is_no_token(client: Client, story: Story) -> None:
    claims = jwt.decode(client.token("county-committee"), options={"verify_signature": False})
    for algorithm, key, code in (
        ("HS256", "a secret that anybody could make up 123", "token-algorithm"),
        ("none", "", "token-algorithm"),
        ("ES256", ec.generate_private_key(ec.SECP256R1()), "token-signature"),
    ):
        forged = jwt.encode(claims, key, algorithm=algorithm)
        asked = replace(APPROVE, headers={"Authorization": f"Bearer {forged}"})
        must_be_refused(client, story, asked, Refused(401, code, "Authorization"))


ELSEWHERE = (
    Asked("other-county-officer", "identification", "/households/{household}", method="GET"),
    Asked("other-county-officer", "identification", "/cases/{case}", method="GET"),
    Asked("other-county-officer", "alerts", "/orders/{order}", method="GET"),
    Asked("other-county-officer", "assistance", "/plans/by-case/{case}", method="GET"),
    replace(APPROVE, who="other-county-committee"),
    replace(ASSIGN, who="other-county-officer", body=lambda _: {"assignee": OTHER_COUNTY}),
)


@pytest.mark.parametrize("asked", ELSEWHERE, ids=lambda asked: asked.path)
def test_what_is_in_another_county_might_as_well_not_be_there(
    system: System, client: Client, story: Story, asked: Asked
) -> None:
    before = everything(system)
    nothing = replace(asked, path=re.sub(r"\{.+\}", UNKNOWN, asked.path))
    answers = [send(client, story, each) for each in (asked, nothing)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert _comparable(answers[0]) == _comparable(answers[1])
    assert everything(system) == before


def test_the_same_key_with_another_body_is_refused(
    system: System, client: Client, story: Story
) -> None:
    asked = header(REGISTER, Idempotency_Key="e2e-one-key")
    assert send(client, story, asked).status_code == httpx.codes.CREATED
    must_be_exactly_once(system)
    before = everything(system)
    reused = Refused(422, "idempotency-key-reused", "Idempotency-Key")
    must_be_refused(client, story, asked, reused)
    assert everything(system) == before


def test_two_at_once_with_one_key_are_one_act_with_one_answer(
    system: System, client: Client, story: Story
) -> None:
    body = household(family())
    asked = header(replace(REGISTER, body=lambda _: body), Idempotency_Key="e2e-at-once")
    answers = _at_once(client, story, [asked] * 8)
    assert {answer.status_code for answer in answers} == {httpx.codes.CREATED}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    household_id = answers[0].json()["id"]
    assert _versions(system, household_id) == list(range(1, answers[0].json()["version"] + 1))


def test_two_at_once_on_one_version_are_one_act_and_one_refusal(
    system: System, client: Client, story: Story
) -> None:
    version = len(_versions(system, story.case))
    asked = header(NAME, If_Match=f'"{version}"')
    answers = _at_once(client, story, [asked] * 4)
    done = [answer for answer in answers if answer.status_code == httpx.codes.OK]
    refused = [answer.json()["code"] for answer in answers if answer not in done]
    assert len(done) == 1
    assert refused == ["stale-version"] * 3
    assert len(_versions(system, story.case)) == version + 1


def test_two_at_once_for_one_person_register_one_household(
    system: System, client: Client, story: Story
) -> None:
    body = household(family())
    before = len(_households(system))
    answers = _at_once(client, story, [replace(REGISTER, body=lambda _: body)] * 4)
    made = [answer for answer in answers if answer.status_code == httpx.codes.CREATED]
    refused = {answer.json()["code"] for answer in answers if answer not in made}
    assert len(made) == 1, [answer.text for answer in answers]
    assert refused == {"document-registered"}
    assert len(_households(system)) == before + 1


def _at_once(client: Client, story: Story, requests: list[Asked]) -> list[httpx.Response]:
    """The answers to requests that are let go together."""
    together = Barrier(len(requests))
    client.token(requests[0].who)

    def one(asked: Asked) -> httpx.Response:
        with httpx.Client(timeout=30) as http:
            own = replace(client, http=http)
            together.wait()
            return send(own, story, asked)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(one, requests))


def _comparable(answer: httpx.Response) -> dict[str, Any]:
    """What an answer says, but for what names the request."""
    return {
        name: value
        for name, value in answer.json().items()
        if name not in {"request_id", "instance"}
    }


def _versions(system: System, stream: str) -> list[int]:
    rows = system.rows(
        "dixian_identification",
        "select version from es.event where stream_id = $1::uuid order by version",
        stream,
    )
    return [row["version"] for row in rows]


def _households(system: System) -> list[str]:
    rows = system.rows("dixian_identification", "select stream_id from rm.household")
    return [str(row["stream_id"]) for row in rows]
