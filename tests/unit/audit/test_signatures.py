"""Decisions are signed, by the person who decides, over everything they say."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785

from services.audit.domain.commands import RefuseCorrection
from services.audit.domain.correction import CORRECTION
from shared.contracts.audit import CorrectionRequested, RefusedBecause
from shared.testing.decider import rule
from tests.unit.audit.test_correction import (
    APPROVE,
    AT_GATE,
    AT_NATION,
    CASE,
    CLERK,
    DECIDERS,
    FILE,
    GATE_ACTS,
    HASH,
    ID,
    KEY,
    LEADER,
    NATION,
    PREVIOUS,
    PROVINCE,
    REQUESTED,
    REVIEW,
    SEEN,
    SIGNATURE,
    given,
    request,
)


@rule("R108", "R109")
@pytest.mark.parametrize("at", range(3))
def test_a_decision_is_signed_with_the_deciders_own_key(at: int) -> None:
    no = RefuseCorrection(**SEEN, because=RefusedBecause.NOT_JUSTIFIED)
    for act in (GATE_ACTS[at], no):
        tried = given(*AT_GATE[at], key=None).when(act, by=DECIDERS[at])
        tried.refused("R108", code="no-signing-key")
        tried = given(*AT_GATE[at], verify=lambda *_: False).when(act, by=DECIDERS[at])
        tried.refused("R108", code="signature-does-not-verify")


@rule("R108", "R109")
def test_what_is_signed_is_the_decision_in_full() -> None:
    seen: list[tuple[str, bytes, str]] = []

    def verify(*asked: Any) -> bool:
        seen.append(asked)
        return True

    given(*AT_NATION, verify=verify).when(FILE, by=NATION)
    no = RefuseCorrection(**SEEN, because=RefusedBecause.NOT_FILED)
    given(REQUESTED, verify=verify).when(no, by=replace(LEADER, on_behalf_of="mayor"))
    common = {
        "content_sha256": HASH,
        "correction_id": str(ID),
        "format": "dixian-gate-decision/1",
        "key_id": str(KEY.key_id),
        "previous_event_id": str(PREVIOUS.event_id),
        "previous_leaf_sha256": PREVIOUS.leaf_sha256,
    }
    filing = {
        **common,
        "because": None,
        "decided_by": "nation",
        "decided_for": None,
        "decision": "APPROVED",
        "document": "国备〔2026〕3号",
        "filed_on": "2023-08-01",
        "gate": "NATION",
        "letter": "省函〔2026〕9号",
    }
    refusal = {
        **common,
        "because": "NOT_FILED",
        "decided_by": "leader",
        "decided_for": "mayor",
        "decision": "REFUSED",
        "document": None,
        "filed_on": None,
        "gate": "CITY",
        "letter": None,
    }
    for (public, message, signature), said in zip(seen, (filing, refusal), strict=True):
        assert (public, signature) == (KEY.public_key, SIGNATURE)
        assert message == b"dixian-gate-decision/1\n" + rfc8785.dumps(said)  # type: ignore[arg-type]


@rule("R108")
@pytest.mark.parametrize("at", range(3))
def test_standing_in_for_somebody_is_no_second_pair_of_eyes(at: int) -> None:
    for person, absent in (("fresh", "clerk"), ("clerk", "fresh"), ("fresh", "helper")):
        who = replace(DECIDERS[at], subject=person, on_behalf_of=absent)
        given(*AT_GATE[at]).when(GATE_ACTS[at], by=who).refused("R108", code="own-request")
    stood_in = replace(DECIDERS[0], subject="deputy", on_behalf_of="mayor")
    history = [REQUESTED, *(given(REQUESTED).when(REVIEW, by=stood_in).result or [])]
    assert CORRECTION.fold(history).people >= {"deputy", "mayor"}
    for subject in ("deputy", "mayor"):
        who = replace(PROVINCE, subject=subject)
        given(*history).when(APPROVE, by=who).refused("R108", code="own-request")
    filed_for = replace(CLERK, on_behalf_of="chief")
    asked = given().when(request(), by=filed_for).then_types(CorrectionRequested)
    assert CORRECTION.fold(asked).people == {"clerk", "chief", "helper"}


def test_the_content_is_there_to_be_read_and_hashed() -> None:
    assert isinstance(REQUESTED, CorrectionRequested)
    said = json.loads(REQUESTED.content or "")
    assert sha256((REQUESTED.content or "").encode()).hexdigest() == HASH
    assert said["compensating"] == [
        {
            "type": "RolledBack",
            "service": "identification",
            "stream_id": str(CASE),
            "version": 8,
            "to_version": 4,
        }
    ]
    assert [gate["gate"] for gate in said["gates"]] == ["CITY", "PROVINCE", "NATION"]
