"""Random acts, repeated and at once, against a model in a dictionary: they always agree."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.kernel.clock import ShiftedClock
from shared.kernel.event import Cause, Command
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role, system
from shared.kernel.refusal import Refusal
from shared.store.application import Application, Receipt
from shared.store.idempotency import IdempotencyKey, KeyReused
from shared.testing import example as ex
from shared.testing.databases import Urls, service_database
from shared.testing.example import CloseErrand, NoteErrand, OpenErrand, RollBackErrand
from shared.testing.postgres import EmbeddedPostgres

VILLAGE = "370283101201"
OFFICER = Principal("officer-1", frozenset({Role.OFFICER}), "370283")
T = TypeVar("T")


@dataclass
class Model:
    """One errand as it ought to be: its state after each version."""

    household: UUID
    opened_on: date
    states: list[tuple[bool, tuple[int, ...]]] = field(default_factory=list)
    clock: str | None = "running"

    @property
    def open(self) -> bool:
        return self.states[-1][0]

    @property
    def notes(self) -> tuple[int, ...]:
        return self.states[-1][1]


class Acts(RuleBasedStateMachine):
    """One example: its errands are its own, the database is shared by all examples."""

    errands = Bundle("errands")
    loop: asyncio.Runner
    app: Application

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[UUID, Model] = {}
        self.answers: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.scope = str(new_id())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def act(self, command: Command, times: int, key: str | None = None) -> list[Any]:
        """Carry a command out ``times`` times at once."""
        used = None
        if key is not None:
            fingerprint = repr(command).encode()
            used = IdempotencyKey("officer-1", self.scope, key, fingerprint)
        return self.wait(
            _all([self.app.execute(command, OFFICER, _cause(), key=used) for _ in range(times)])
        )

    def expect(
        self, command: Command, times: int, key: str | None, allowed: bool
    ) -> dict[str, Any] | None:
        """What happened, held against what should; the new effect's answer, if there was one."""
        results = self.act(command, times, key)
        known = self.answers.get(key) if key is not None else None
        if known is not None and known[0] != repr(command).encode():
            assert {type(item) for item in results} == {KeyReused}
            return None
        if known is not None:
            assert [item.body for item in results] == [known[1]] * times
            assert all(item.replayed for item in results)
            return None
        if not allowed:
            assert all(isinstance(item, Refusal) for item in results), results
            return None
        if key is not None:
            bodies = [item.body for item in results]
            assert bodies == [bodies[0]] * times
            assert [item.replayed for item in results].count(False) == 1
            self.answers[key] = (repr(command).encode(), bodies[0])
            return bodies[0]
        done = [item for item in results if isinstance(item, Receipt)]
        assert len(done) == 1 or isinstance(command, NoteErrand)
        return done[-1].body

    keys = st.none() | st.sampled_from(["k1", "k2", "k3"])
    times = st.integers(1, 3)

    @rule(target=errands, times=times, key=keys)
    def open_one(self, times: int, key: str | None) -> UUID:
        errand, household = new_id(), new_id()
        command = OpenErrand(errand_id=errand, household_id=household, division=VILLAGE)
        if self.expect(command, times, key, allowed=True) is not None:
            self.models[errand] = Model(household, self.today(), [(True, ())])
        return errand

    @rule(errand=errands, amount=st.integers(-3, 3), times=times, key=keys)
    def note(self, errand: UUID, amount: int, times: int, key: str | None) -> None:
        command = NoteErrand(errand_id=errand, amount=amount)
        model = self.models.get(errand)
        allowed = model is not None and model.open and amount != 0
        if self.expect(command, times, key, allowed) is not None:
            assert model is not None
            for _ in range(1 if key is not None else times):
                model.states.append((True, (*model.notes, amount)))

    @rule(errand=errands, times=times, key=keys)
    def close(self, errand: UUID, times: int, key: str | None) -> None:
        model = self.models.get(errand)
        allowed = model is not None and model.open
        if self.expect(CloseErrand(errand_id=errand), times, key, allowed) is not None:
            assert model is not None
            model.states.append((False, model.notes))

    @rule(errand=errands, back=st.integers(1, 5))
    def roll_back(self, errand: UUID, back: int) -> None:
        model = self.models.get(errand)
        if model is None:
            return
        version = max(1, len(model.states) - back)
        command = RollBackErrand(errand_id=errand, to_version=version)
        assert self.expect(command, 1, None, allowed=True) is not None
        model.states.append(model.states[version - 1])

    @rule(days=st.integers(1, 9), tickers=st.integers(1, 3))
    def time_goes_by(self, days: int, tickers: int) -> None:
        before = self.clocks()
        self.wait(_move(self.app, days))
        self.wait(_all([self.app.tick(system("example")) for _ in range(tickers)]))
        for errand, (due_on, next_on) in before.items():
            spoke = next_on is not None and next_on <= self.today()
            if spoke:
                self.models[errand].states.append(self.models[errand].states[-1])
                assert self.clocks()[errand][0] == due_on

    @invariant()
    def the_versions_have_no_gap(self) -> None:
        found = self.rows("select stream_id, array_agg(version order by pos) v from es.event")
        for errand, model in self.models.items():
            assert found[errand]["v"] == list(range(1, len(model.states) + 1))

    @invariant()
    def the_read_models_say_what_the_model_says(self) -> None:
        found = self.rows(
            "select stream_id, min(household_id::text) h, bool_and(open) o, sum(total) t,"
            " max(version) v from errand"
        )
        notes = self.rows("select stream_id, array_agg(amount order by number) a from errand_note")
        for errand, model in self.models.items():
            row = found[errand]
            assert (row["o"], row["t"]) == (model.open, sum(model.notes))
            assert (row["h"], row["v"]) == (str(model.household), len(model.states))
            shown = notes[errand]["a"] if errand in notes else []
            assert shown == (list(model.notes) if model.open else [])

    @invariant()
    def only_open_errands_have_clocks(self) -> None:
        assert self.clocks().keys() == {
            errand for errand, model in self.models.items() if model.open
        }

    def today(self) -> date:
        return self.wait(_today(self.app))

    def clocks(self) -> dict[UUID, tuple[date, date | None]]:
        found = self.rows("select stream_id, max(due_on) d, max(next_on) n from es.deadline")
        return {errand: (row["d"], row["n"]) for errand, row in found.items()}

    def rows(self, statement: str) -> dict[UUID, Any]:
        query = f"{statement} where stream_id = any($1) group by stream_id"
        found = self.wait(_fetch(self.app, query, list(self.models)))
        return {row["stream_id"]: row for row in found}


async def _all(work: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*work, return_exceptions=True)


async def _fetch(app: Application, query: str, *values: Any) -> list[Any]:
    async with app.database.reading() as tx:
        return list(await tx.raw.fetch(query, *values))


async def _today(app: Application) -> date:
    return (await app.database.clock()).today()


async def _move(app: Application, days: int) -> None:
    [row] = await _fetch(app, "select shift from es.demo_clock")
    await app.database.move_clock(row["shift"] + timedelta(days=days))


def _cause() -> Cause:
    return Cause(new_id(), new_id())


@pytest.fixture
def loop() -> Any:
    with asyncio.Runner() as runner:
        yield runner


def test_acts_and_their_model_agree(postgres: EmbeddedPostgres, loop: asyncio.Runner) -> None:
    context = service_database(postgres, ex.SCHEMA)
    urls: Urls = loop.run(context.__aenter__())
    database = ex.database(urls.writer, ShiftedClock())
    Acts.loop, Acts.app = loop, ex.example(database)
    try:
        run_state_machine_as_test(
            Acts,
            settings=settings(
                max_examples=20,
                stateful_step_count=15,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run(database.close())
        loop.run(context.__aexit__(None, None, None))
