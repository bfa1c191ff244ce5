"""Look-ups in what neighbours' events told: households by token, the policy book, waiting leads."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from services.alerts.domain.context import GUIDE
from services.alerts.domain.register import Known, Suggestion, Why
from shared.contracts.values import History
from shared.policy.parameters import NoPolicy, PolicyVersion, in_force, working_years
from shared.policy.working_days import Calendar

Connection: TypeAlias = "asyncpg.Connection[Any]"

_HOUSEHOLD = "h.household_id, h.division, h.history, h.relocated, h.monitored"
# The columns are a constant of this module.
_BY_TOKEN = f"""
select distinct {_HOUSEHOLD}
  from matching.token t join matching.household h using (household_id)
 where t.token = any($1::bytea[]) order by h.household_id
"""  # noqa: S608
_BY_TOKENS = f"""
select distinct t.token, {_HOUSEHOLD}
  from matching.token t join matching.household h using (household_id)
 where t.token = any($1::bytea[]) order by h.household_id
"""  # noqa: S608
_BY_ID = f"select {_HOUSEHOLD} from matching.household h where household_id = $1"  # noqa: S608
_SUGGESTED = f"""
select distinct on (household_id) {_HOUSEHOLD}, w.why
  from matching.waiting w
  join matching.token t using (token)
  join matching.household h using (household_id)
 where w.lead_id = $1 order by household_id, w.why
"""  # noqa: S608
_WAITING_FOR = """
select distinct on (w.lead_id) w.lead_id, w.token from matching.waiting w
 where w.automatic and w.token = any($1::bytea[]) order by w.lead_id, w.token
"""
_REGISTER = """
insert into matching.household (household_id, division, history, relocated, monitored)
select h, d, y, r, false
  from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[]) as u(h, d, y, r)
on conflict (household_id) do update
   set division = excluded.division, history = excluded.history, relocated = excluded.relocated
"""
_PLACE = """
update matching.household h set division = u.d from unnest($1::uuid[], $2::text[]) as u(h, d)
 where h.household_id = u.h and h.division <> u.d
"""
_HELD = "select household_id, token from matching.token where household_id = any($1::uuid[])"
_DROP = "delete from matching.token where household_id = any($1::uuid[])"
_MONITORED = "update matching.household set monitored = $2 where household_id = $1"
_TOKENS = """
insert into matching.token (token, household_id, member_id)
select t, h, m from unnest($1::bytea[], $2::uuid[], $3::uuid[]) as u(t, h, m)
 order by t on conflict do nothing
"""
_WAIT = """
insert into matching.waiting (token, lead_id, why, automatic)
select t, $1, $3, $4 from unnest($2::bytea[]) as u(t) on conflict do nothing
"""
_ABOUT = """
select stream_id from lead where household_id = $1
union select alert_id from lead where household_id = $1 and alert_id is not null
union select stream_id from alert where household_id = $1
union select o.stream_id from work_order o join lead l on l.stream_id = o.lead_id
       where l.household_id = $1 and o.kind = 'APPLY'
"""
_WAITS_BY_OLDER_KEYS = """
select w.lead_id, bool_or(w.automatic) as automatic, l.alert_id, l.person_id
  from matching.waiting w join lead l on l.stream_id = w.lead_id
 where l.person_id is not null
 group by w.lead_id, l.alert_id, l.person_id
having bool_and(get_byte(w.token, 0) <> $1) order by w.lead_id limit $2
"""
# By ranges of the index: nearly always there is nothing to drop among the province's people.
_DROP_OLDER = """
delete from matching.token t using unnest($1::bytea[], $2::bytea[]) as gap(low, high)
 where t.token >= gap.low and t.token < gap.high
"""
_PUBLISH = """
insert into matching.policy (version, policy) values ($1, $2::text::jsonb)
on conflict (version) do update set policy = excluded.policy
"""

_BUCKETS = 1024
_LAST = b"\xff" * 18
"""After every token: those have 17 bytes."""


@dataclass(frozen=True)
class Waiting:
    """What a lead without a household will be recognised by."""

    tokens: Sequence[bytes]
    why: Why
    automatic: bool
    """Whether a household of that number is matched at once when it is registered."""


async def by_tokens(connection: Connection, tokens: Collection[bytes]) -> tuple[Known, ...]:
    """The households with a member of one of these tokens."""
    return tuple(known_of(row) for row in await connection.fetch(_BY_TOKEN, list(tokens)))


async def lock(connection: Connection, tokens: Iterable[bytes]) -> None:
    """Until the transaction ends, nobody else looks for these tokens in vain, or brings them.

    A lead that finds nobody and a household that finds no lead, both at once, would wait for each
    other for ever. A block of a file brings thousands of tokens: they share so many locks.
    """
    buckets = sorted({int.from_bytes(token[1:3]) % _BUCKETS for token in tokens})
    await connection.execute("select pg_advisory_xact_lock(3, k) from unnest($1::int[]) k", buckets)


async def by_id(connection: Connection, household_id: UUID) -> Known | None:
    """The registered household, if there is one."""
    row = await connection.fetchrow(_BY_ID, household_id)
    return None if row is None else known_of(row)


async def suggestions(connection: Connection, lead_id: UUID) -> list[Suggestion]:
    """The households that a waiting lead may be about, as the register stands now."""
    rows = await connection.fetch(_SUGGESTED, lead_id)
    return [Suggestion(known_of(row), Why(row["why"])) for row in rows]


async def wait(connection: Connection, lead_id: UUID, waiting: Waiting) -> None:
    """Remember what a lead is to be recognised by."""
    await connection.execute(_WAIT, lead_id, waiting.tokens, waiting.why, waiting.automatic)


async def wait_many(connection: Connection, rows: Iterable[tuple[bytes, UUID, Why]]) -> None:
    """The same for many new leads, each to be matched by itself when its token is registered."""
    await connection.copy_records_to_table(
        "waiting",
        schema_name="matching",
        columns=("token", "lead_id", "why", "automatic"),
        records=[(token, lead_id, why, True) for token, lead_id, why in rows],
    )


async def among(connection: Connection, tokens: Collection[bytes]) -> dict[bytes, list[Known]]:
    """The households by token, for many tokens at once."""
    found: dict[bytes, list[Known]] = {}
    for row in await connection.fetch(_BY_TOKENS, list(tokens)):
        found.setdefault(row["token"], []).append(known_of(row))
    return found


async def wait_no_more(connection: Connection, lead_id: UUID) -> None:
    """The lead has its household, or has ended."""
    await connection.execute("delete from matching.waiting where lead_id = $1", lead_id)


async def waiting_for(connection: Connection, tokens: Collection[bytes]) -> dict[UUID, bytes]:
    """The leads that wait for one of these tokens, each with one that it waits for."""
    rows = await connection.fetch(_WAITING_FOR, list(tokens))
    return {row["lead_id"]: row["token"] for row in rows}


@dataclass(frozen=True)
class Unrenewed:
    """A lead that waits to be recognised by former keys of the index only."""

    lead_id: UUID
    owner: UUID
    """Whose key seals the person: the alert, or the lead itself."""
    person_id: UUID
    clue: bool


async def waiting_by_older_keys(
    connection: Connection, version: int, limit: int
) -> list[Unrenewed]:
    """Leads that wait for no token by the index key ``version`` yet."""
    rows = await connection.fetch(_WAITS_BY_OLDER_KEYS, version, limit)
    return [
        Unrenewed(
            row["lead_id"],
            row["alert_id"] or row["lead_id"],
            row["person_id"],
            not row["automatic"],
        )
        for row in rows
    ]


async def drop_older(connection: Connection, versions: Collection[int]) -> None:
    """Forget the tokens by keys that are in use no more; no question is asked by them."""
    ends = [bytes((version,)) for version in sorted(versions)]
    await connection.execute(_DROP_OLDER, [b"", *map(_next, ends)], [*ends, _LAST])


def _next(head: bytes) -> bytes:
    """Where the tokens of the version after this one's begin."""
    return bytes((head[0] + 1,)) if head < b"\xff" else _LAST


async def owners_about(connection: Connection, household_id: UUID) -> Collection[UUID]:
    """Whose keys seal what is kept of a household's people: leads, alerts, their own applications.

    A report's caller is somebody else, and stays.
    """
    return [row["stream_id"] for row in await connection.fetch(_ABOUT, household_id)]


async def leads_of(connection: Connection, case_id: UUID) -> list[UUID]:
    """The leads that opened or joined a case."""
    rows = await connection.fetch(
        "select stream_id from lead where case_id = $1 order by stream_id", case_id
    )
    return [row["stream_id"] for row in rows]


async def register(connection: Connection, households: Sequence[Known]) -> None:
    """Note registered households; whether they are monitored is left as it is."""
    await connection.execute(
        _REGISTER,
        [item.household_id for item in households],
        [item.division for item in households],
        [item.history.value for item in households],
        [item.relocated for item in households],
    )


async def set_monitored(connection: Connection, household_id: UUID, monitored: bool) -> None:
    """Note that a household was identified, or that its monitoring ended."""
    await connection.execute(_MONITORED, household_id, monitored)


@dataclass(frozen=True)
class Indexed:
    """A household's place and its tokens, each with its member's id, as they are now."""

    household_id: UUID
    division: str
    tokens: Sequence[tuple[bytes, UUID]]


async def index(connection: Connection, households: Sequence[Indexed]) -> dict[UUID, set[bytes]]:
    """Note which village owns each now, and replace its tokens.

    By household: the tokens that it had or has. Nobody else looks for them meanwhile.
    """
    ids = [item.household_id for item in households]
    await connection.execute(_PLACE, ids, [item.division for item in households])
    before = await connection.fetch(_HELD, ids)
    rows = [
        (token, item.household_id, member) for item in households for token, member in item.tokens
    ]
    touched: dict[UUID, set[bytes]] = {id_: set() for id_ in ids}
    for row in before:
        touched[row["household_id"]].add(row["token"])
    for token, household_id, _ in rows:
        touched[household_id].add(token)
    await lock(connection, chain.from_iterable(touched.values()))
    if before:
        await connection.execute(_DROP, ids)
    await connection.execute(_TOKENS, *([row[n] for row in rows] for n in range(3)))
    return touched


async def publish(connection: Connection, policy: PolicyVersion) -> None:
    """Keep a published policy version."""
    await connection.execute(_PUBLISH, policy.version, policy.model_dump_json())


async def policy_book(connection: Connection) -> Sequence[PolicyVersion]:
    """Every policy version that was published."""
    rows = await connection.fetch("select policy::text from matching.policy")
    return [PolicyVersion.model_validate(orjson.loads(row["policy"])) for row in rows]


def policy_in_force(book: Sequence[PolicyVersion], division: str, on: date) -> PolicyVersion:
    """The policy in force; the Guide's own numbers while nothing has been published (K7)."""
    try:
        return in_force(book, division, on)
    except NoPolicy:
        return GUIDE


async def law_for(
    connection: Connection, division: str, on: date, *, today: date
) -> tuple[PolicyVersion, Calendar]:
    """The policy in force on a day, and the working years known ``today``.

    Which days were worked is a fact: for an act entered late, too, what is known by then holds.
    """
    book = await policy_book(connection)
    return policy_in_force(book, division, on), working_years(book, today)


async def calendar(connection: Connection, on: date) -> Calendar:
    """The working years published and in force."""
    return working_years(await policy_book(connection), on)


def known_of(row: Mapping[str, Any]) -> Known:
    """A row of ``matching.household``."""
    return Known(
        household_id=row["household_id"],
        division=row["division"],
        history=History(row["history"]),
        relocated=row["relocated"],
        monitored=row["monitored"],
    )
