"""The queries: a case's track, a household, the register."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identification.domain.case import CASE, LABEL
from services.identification.domain.case_state import Case
from services.identification.domain.procedure import IDENTIFICATION
from services.identification.domain.work import to_do
from services.identification.read_models.cited import cited
from services.identification.read_models.lookups import part_of
from services.identification.read_models.tables import household, household_case, household_token
from shared.kernel.event import Event, Recorded
from shared.kernel.principal import Principal
from shared.kernel.refusal import NotFound
from shared.store import event_store
from shared.store.database import Transaction
from shared.store.history import told

SERVICE = "identification"


async def cases_of(connection: AsyncConnection, household_id: UUID) -> Sequence[Mapping[str, Any]]:
    """The household's cases and those of households merged into it, the latest first.

    Of those opened on one day, the active one.
    """
    table = household_case.c
    active = table.status.in_(["OPEN", "IDENTIFIED"])
    query = (
        sa.select(
            table.stream_id.label("id"),
            table.status,
            table.category,
            table.opened_on,
            table.identified_on,
            table.refusal,
        )
        .where(table.household_id.in_(part_of(household_id)))
        .order_by(table.opened_on.desc(), active.desc(), table.stream_id.desc())
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def household_row(
    connection: AsyncConnection, principal: Principal, household_id: UUID
) -> Mapping[str, Any]:
    """A household's codes. Raises ``NotFound`` outside the caller's division (R1)."""
    query = sa.select(household).where(household.c.stream_id == household_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None or not _sees(principal, row["division"], row["moved_from"]):
        raise NotFound("户", "household")
    return dict(row)


async def household_rows(
    connection: AsyncConnection,
    principal: Principal,
    *,
    division: str,
    after: UUID | None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """The households of a division within the caller's, by id."""
    query = (
        sa.select(household)
        .where(starts_with(household.c.division, principal.division))
        .where(starts_with(household.c.division, division))
        .order_by(household.c.stream_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(household.c.stream_id > after)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def households_holding(
    connection: AsyncConnection, principal: Principal, tokens: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """The households with any of the document tokens, as far as the caller sees them (R1)."""
    holders = sa.select(household_token.c.stream_id).where(household_token.c.token.in_(tokens))
    query = sa.select(household).where(household.c.stream_id.in_(holders))
    found = (await connection.execute(query)).mappings()
    return [dict(row) for row in found if _sees(principal, row["division"], row["moved_from"])]


class HeadOf(NamedTuple):
    """A household's head, and how many they are."""

    member_id: UUID
    members: int


async def heads(
    connection: AsyncConnection, principal: Principal, ids: Sequence[UUID]
) -> Mapping[UUID, HeadOf]:
    """The heads of households; what lies outside the caller's division is absent (R1)."""
    query = sa.select(household).where(household.c.stream_id.in_(ids))
    found = (await connection.execute(query)).mappings()
    return {
        row["stream_id"]: HeadOf(_head_of(row["members"]), len(row["members"]))
        for row in found
        if _sees(principal, row["division"], row["moved_from"])
    }


def _head_of(members: Sequence[Mapping[str, Any]]) -> UUID:
    return UUID(next(member["member_id"] for member in members if member["is_head"]))


async def _seen_case(
    tx: Transaction, principal: Principal, case_id: UUID
) -> tuple[Sequence[Recorded[Event]], Case]:
    history = await event_store.load(tx.raw, SERVICE, case_id)
    case = CASE.fold([item.event for item in history])
    if not history or not _sees(principal, case.division, case.moved_from):
        raise NotFound(*LABEL)
    return history, case


async def track(tx: Transaction, principal: Principal, case_id: UUID) -> Mapping[str, Any]:
    """A case with its way so far and what is next (R51). Raises ``NotFound`` outside (R1)."""
    history, case = await _seen_case(tx, principal, case_id)
    return {
        **_facts(case),
        "version": len(history),
        "steps": _steps(case, history),
        "next": [
            {
                "step": item.step,
                "label": item.label[0],
                "label_en": item.label[1],
                "levels": [level.name for level in item.levels],
                "rule": item.rule,
                "ready_on": item.ready_on,
                "due_on": None if item.due_on == date.max else item.due_on,
                "clock": item.clock,
            }
            for item in to_do(case)
        ],
        "deadlines": [
            {
                "kind": running.deadline.kind,
                "rule": running.deadline.rule,
                "due_on": running.deadline.due_on,
                "explained": running.deadline.explain(),
                "missed": running.missed,
            }
            for running in case.clocks.values()
        ],
        "evidence": await cited(tx.sql, case.household_id, history),
        "history": _recorded(history),
    }


def _facts(case: Case) -> dict[str, Any]:
    verified = case.verified
    return {
        "id": case.case_id,
        "household_id": case.household_id,
        "division": case.division,
        "moved_from": case.moved_from,
        "status": case.status,
        "source": case.source,
        "opened_on": case.opened_on,
        "policy": case.policy,
        "risks": case.risks,
        "officers": case.officers,
        "accounts": verified and verified.accounts.model_dump(mode="json"),
        "findings": verified and verified.findings.model_dump(mode="json"),
        "advice": verified and verified.advice.model_dump(mode="json"),
        "answers": [
            {"source": source, "member_id": member_id, "hits": hits}
            for (source, member_id), hits in case.answers.items()
        ],
        "open_objections": sorted(case.open_objections),
        "category": case.category,
        "identified_on": case.identified_on,
        "refusal": case.refusal,
        "tracked": case.tracked,
        "green_channel": {
            "confirmed": {level.name: on for level, on in case.channel.confirmed.items()},
            "entered_on": case.channel.entered_on,
            "eligible": case.channel.eligible,
        },
        "previous_case_id": case.previous_case_id,
    }


def _steps(case: Case, history: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    """The procedure's steps: done by whom and when, or what each still needs."""
    last: dict[str, Recorded[Event]] = {}
    for item in history:
        step = IDENTIFICATION.completed_by(item.event)
        if step is not None:
            last[step.name] = item
    return [
        {
            "step": step.name,
            "label": step.label[0],
            "label_en": step.label[1],
            "levels": [level.name for level in step.levels],
            "rule": step.rule,
            "done": step.name in case.done,
            "done_on": case.done.get(step.name),
            "by": last[step.name].metadata.actor if step.name in case.done else None,
            "missing": [item.name for item in IDENTIFICATION.missing(step.name, case.done)],
        }
        for step in IDENTIFICATION.steps
    ]


_TOLD = {
    *("village_officer", "town_officer", "scope", "by_agent", "source", "hits", "results"),
    *("ground", "reference", "compared_on", "form", "due", "present", "recused", "in_favour"),
    *("against", "abstained", "conclusion", "category", "doubts", "passed", "back_to", "number"),
    *("last_day", "upheld", "authority", "departs_from_advice", "reason", "receipt"),
}
"""What an act recorded that whoever decides next reads; figures and findings stand elsewhere."""


def _recorded(history: Sequence[Recorded[Event]]) -> list[dict[str, Any]]:
    return [
        {**entry, "recorded": item.event.model_dump(mode="json", include=_TOLD)}
        for entry, item in zip(told(history), history, strict=True)
    ]


def starts_with(column: sa.ColumnElement[str], division: str) -> sa.ColumnElement[bool]:
    """What lies inside a division."""
    if division == "CN":
        return sa.true()
    # A division code holds digits only, so nothing in it means anything to LIKE.
    return column.like(f"{division}%")


def _sees(principal: Principal, division: str, moved_from: str | None) -> bool:
    return principal.covers(division) or (moved_from is not None and principal.covers(moved_from))
