"""What the handlers look up before a decision: each one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identification.domain.context import HouseholdFacts
from services.identification.domain.delegation import Held
from services.identification.read_models.tables import (
    delegation,
    household,
    household_case,
    household_token,
    policy_version,
)
from shared.contracts.identification import Member
from shared.contracts.values import History, Risk
from shared.kernel.refusal import NotFound
from shared.policy.parameters import NoPolicy, PolicyVersion, in_force

_HOUSEHOLD = (
    household.c.stream_id.label("household_id"),
    household.c.division,
    household.c.history,
    household.c.relocated,
    household.c.moved_from,
    household.c.members,
)


async def of_case(
    connection: AsyncConnection, case_id: UUID
) -> tuple[HouseholdFacts, PolicyVersion] | None:
    """The case's household, and the policy version that governs it (K7)."""
    query = (
        sa.select(*_HOUSEHOLD, policy_version.c.data.label("policy"))
        .select_from(household_case)
        .join(household, household.c.stream_id == household_case.c.household_id)
        .join(policy_version, policy_version.c.version == household_case.c.policy)
        .where(household_case.c.stream_id == case_id)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else (_facts(row), PolicyVersion.model_validate(row["policy"]))


async def locked_household(connection: AsyncConnection, household_id: UUID) -> HouseholdFacts:
    """The household, its row locked so that two leads cannot open two cases at once (R25).

    One that was merged is the household it is part of now. Raises ``NotFound``.
    """
    query = sa.select(*_HOUSEHOLD, household.c.absorbed_into).with_for_update()
    wanted: UUID | None = household_id
    while wanted is not None:
        found = await connection.execute(query.where(household.c.stream_id == wanted))
        row = found.mappings().one_or_none()
        if row is None:
            break
        if row["members"]:
            return _facts(row)
        wanted = row["absorbed_into"]
    raise NotFound("户", "household", field="household_id")


async def locked(connection: AsyncConnection, households: Sequence[UUID]) -> None:
    """Lock households' rows, always in one order, until the transaction ends."""
    query = (
        sa.select(household.c.stream_id)
        .where(household.c.stream_id.in_(households))
        .order_by(household.c.stream_id)
        .with_for_update()
    )
    await connection.execute(query)


@dataclass(frozen=True)
class Standing:
    """Where a household stands with its cases."""

    with_lead: UUID | None
    """The case that has the lead already."""
    active: UUID | None
    """Its open or identified case."""
    latest: UUID | None
    """Its last case of all."""
    followed: UUID | None
    """The case after which it is followed (R33)."""


async def standing(connection: AsyncConnection, household_id: UUID, lead_id: UUID) -> Standing:
    """The household's cases as a new lead finds them (R25, R105)."""
    columns = ("stream_id", "status", "leads", "tracked")
    query = (
        sa.select(*(household_case.c[name] for name in columns))
        .where(household_case.c.household_id.in_(part_of(household_id)))
        .order_by(household_case.c.opened_on, household_case.c.stream_id)
    )
    rows = (await connection.execute(query)).all()
    with_lead = [row.stream_id for row in rows if lead_id in row.leads]
    active = [row.stream_id for row in rows if row.status in {"OPEN", "IDENTIFIED"}]
    followed = [row.stream_id for row in rows if row.tracked]
    return Standing(
        with_lead=with_lead[-1] if with_lead else None,
        active=active[-1] if active else None,
        latest=rows[-1].stream_id if rows else None,
        followed=followed[-1] if followed else None,
    )


@dataclass(frozen=True)
class Active:
    """A household's open or identified case."""

    case_id: UUID
    risks: tuple[Risk, ...]


async def active_case(connection: AsyncConnection, household_id: UUID) -> Active | None:
    """The household's open case, or the one it is monitored by."""
    query = sa.select(household_case.c.stream_id, household_case.c.risks).where(
        household_case.c.household_id == household_id,
        household_case.c.status.in_(["OPEN", "IDENTIFIED"]),
    )
    row = (await connection.execute(query)).first()
    return None if row is None else Active(row.stream_id, tuple(map(Risk, row.risks or ())))


def part_of(household_id: UUID) -> sa.Select[tuple[UUID]]:
    """The household and every one that was merged into it, over any number of mergers."""
    kin = sa.select(sa.literal(household_id, type_=UUID_TYPE()).label("id")).cte(
        "kin", recursive=True
    )
    kin = kin.union(
        sa.select(household.c.stream_id).join(kin, household.c.absorbed_into == kin.c.id)
    )
    return sa.select(kin.c.id)


async def policy_for(connection: AsyncConnection, division: str, on: date) -> PolicyVersion:
    """The version in force for a division on a day. Raises ``NoPolicy``."""
    return in_force(await _versions(connection, division), division, on)


async def policy_if_any(
    connection: AsyncConnection, division: str, on: date
) -> PolicyVersion | None:
    """The version in force, if one is."""
    try:
        return await policy_for(connection, division, on)
    except NoPolicy:
        return None


async def policy_above(
    connection: AsyncConnection, division: str, on: date
) -> PolicyVersion | None:
    """The version in force above a city on a day, if one is."""
    above = [item for item in await _versions(connection, division) if item.division != division]
    try:
        return in_force(above, division, on)
    except NoPolicy:
        return None


async def delegations(connection: AsyncConnection, county: str, holder: str) -> Sequence[Held]:
    """What a county's committee has delegated to a person (R53)."""
    columns = (
        delegation.c.stream_id,
        delegation.c.document,
        delegation.c.valid_from,
        delegation.c.valid_until,
        delegation.c.revoked_on,
    )
    query = sa.select(*columns).where(
        delegation.c.division == county, delegation.c.holder == holder
    )
    return [Held(*row) for row in await connection.execute(query)]


async def held(connection: "asyncpg.Connection[Any]", tokens: Sequence[str]) -> Sequence[str]:
    """Those of the document tokens that a registered household holds."""
    query = "select token from household_token where token = any($1::text[])"
    return [row["token"] for row in await connection.fetch(query, tokens)]


async def policy_book(connection: AsyncConnection) -> Sequence[PolicyVersion]:
    """Every version that was ever published."""
    rows = (await connection.execute(sa.select(policy_version.c.data))).scalars()
    return [PolicyVersion.model_validate(data) for data in rows]


async def indexed_by_older_keys(
    connection: AsyncConnection, version: int, limit: int
) -> Sequence[UUID]:
    """Households with a member who has no token by the index key ``version`` yet."""
    older, newer = household_token, household_token.alias()
    by_it = sa.select(newer.c.token).where(
        newer.c.stream_id == older.c.stream_id,
        newer.c.member_id == older.c.member_id,
        newer.c.token.startswith(f"{version:02x}"),
    )
    # Whoever has none by it has one by another key, and of those there are nearly always none.
    others = sa.or_(older.c.token < f"{version:02x}", older.c.token >= _after(version))
    query = sa.select(older.c.stream_id).where(others, ~by_it.exists()).distinct().limit(limit)
    return (await connection.execute(query)).scalars().all()


def _after(version: int) -> str:
    """Where the tokens of the next index key begin, in hex."""
    return f"{version + 1:02x}" if version < 255 else "g"


async def open_case_of(
    connection: AsyncConnection, tokens: Sequence[str]
) -> tuple[UUID, UUID] | None:
    """The open case of the household that a person is registered in, and the person's member id."""
    query = (
        sa.select(household_case.c.stream_id, household_token.c.member_id)
        .join(household_case, household_case.c.household_id == household_token.c.stream_id)
        .where(household_token.c.token.in_(tokens), household_case.c.status == "OPEN")
    )
    row = (await connection.execute(query)).first()
    return None if row is None else (row.stream_id, row.member_id)


async def _versions(connection: AsyncConnection, division: str) -> Sequence[PolicyVersion]:
    containers = ["CN", *(division[:length] for length in (2, 4, 6, 9, 12))]
    query = sa.select(policy_version.c.data).where(policy_version.c.division.in_(containers))
    rows = (await connection.execute(query)).scalars()
    return [PolicyVersion.model_validate(data) for data in rows]


def _facts(row: Any) -> HouseholdFacts:
    return HouseholdFacts(
        household_id=row["household_id"],
        division=row["division"],
        history=History(row["history"]),
        relocated=row["relocated"],
        moved_from=row["moved_from"],
        members=tuple(Member.model_validate(member) for member in row["members"]),
    )
