"""Random acts over HTTP, by the right people and the wrong ones, alone and at once, on PostgreSQL.

Whatever is taken: no approval without five full days of publicity, never two open cases of a
household, never an edited date or event; and what is refused has changed nothing at all.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    run_state_machine_as_test,
)
from hypothesis.stateful import rule as act

from services.identification.schema import SCHEMA
from shared.contracts.values import Risk
from shared.kernel.principal import system
from shared.policy.divisions import Divisions
from shared.testing.casework import PEOPLE, PHOTO, World, household
from shared.testing.databases import service_database
from shared.testing.decider import rule
from shared.testing.postgres import EmbeddedPostgres
from tests.integration.identification.conftest import evidence_room, worked
from tests.integration.identification.support import (
    COMMITTEE,
    NOTICE,
    findings,
    income,
    meeting,
    register,
)

LATE = {"late_reason": "WORKLOAD"}
OBJECTION_PHONE = {"number": "章农公告1", "objection_phone": "12317"}


def acts(signer: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every act on a case: who does it properly, and its body."""
    hard = findings(
        signer,
        incomes=[income("WAGE", 5_000)],
        hardship=True,
        risks=["ILLNESS"],
        coping={"can_cope": False},
        **LATE,
    )
    calm = findings(signer, incomes=[income("WAGE", 7_000)], **LATE)
    authorization = {"signer_id": signer, "scope": ["BANK"], "evidence": [PHOTO]}
    officers = {"village_officer": "person:village", "town_officer": "person:town"}
    noted = {"note": "情况说明"}
    return {
        "officers": ("town", officers),
        "authorization": ("village", authorization),
        "authorization/revocation": ("village", {}),
        "verification": ("village", hard),
        "verification#calm": ("village", calm),
        "comparison": ("county", {"results": [{"source": "CIVIL_AFFAIRS"}]}),
        "deliberation": ("village", meeting("IDENTIFY", "MARGINAL_AT_RISK")),
        "deliberation#against": ("village", meeting("DECLINE")),
        "town-review": ("town", {"passed": True}),
        "town-review#back": ("town", {"passed": False, "back_to": "VERIFICATION", **noted}),
        "notice": ("village", NOTICE),
        "notice#sensitive": ("village", {**NOTICE, "remark": "因患癌症"}),
        "notice/close": ("village", {}),
        "objections": ("village", {"objection": "不符合条件"}),
        "approval": ("committee", {"category": "MARGINAL_AT_RISK", **COMMITTEE, **LATE, **noted}),
        "refusal": ("committee", {"reason": "DELIBERATED_AGAINST", **LATE, **noted}),
        "refusal#dibao": ("committee", {"reason": "HAS_DIBAO", **LATE, **noted}),
        "announcement": ("county", OBJECTION_PHONE),
        "national-entry": ("county", {"receipt": "GJ1", **LATE}),
        "telling": ("village", {"about": "REFUSAL", **LATE}),
        "telling#entry": ("village", {"about": "CHANNEL_ENTRY", **LATE}),
        "green-channel/confirmation": ("village", {"cause": "DISASTER"}),
        "green-channel/confirmation#town": ("town", {"cause": "DISASTER"}),
        "green-channel/entry": ("county", {"cause": "DISASTER", "facts": "房屋烧毁"}),
        "green-channel/verification": ("county", {"eligible": True, **LATE, **noted}),
        "green-channel/verification#not": ("county", {"eligible": False, **LATE, **noted}),
        "green-channel/exit": ("county", noted),
    }


WAY = (
    "officers",
    "authorization",
    "verification",
    "comparison",
    "deliberation",
    "town-review",
    "notice",
    "notice/close",
    "approval",
)
NAMES = sorted(acts(""))


class Office(RuleBasedStateMachine):
    """One household in an office where everybody tries everything."""

    world: ClassVar[World]
    runner: ClassVar[asyncio.Runner]
    reached: ClassVar[set[str]] = set()
    """What happened at all: a machine that gets nowhere proves nothing."""

    @initialize(far=st.sampled_from((7, 9, 0, 3, 8, 5, 6)))
    def begin(self, far: int) -> None:
        """The household's case has come so far by the straight way before anybody tries."""
        self.today = date(2023, 8, 1)
        self.seen: list[tuple[Any, ...]] = []
        self.objections: list[str] = []
        self.run(self._begin())
        self._go_on(far, 0)

    async def _begin(self) -> None:
        await self.world.day(str(self.today))
        self.home, members = await register(self.world, **household())
        self.acts = acts(members[0])
        self.case = await self.world.opened(self.home, "2023-08-01", risks=(Risk.ILLNESS,))

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    # --- what people do ---------------------------------------------------------------------------

    @act(days=st.integers(1, 7))
    def wait(self, days: int) -> None:
        self._wait(days)

    def _wait(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.run(self.world.day(str(self.today)))

    @act(until=st.integers(1, len(WAY)), days=st.integers(0, 2))
    def go_on(self, until: int, days: int) -> None:
        """The straight way, as far as it goes."""
        self._go_on(until, days)

    def _go_on(self, until: int, days: int) -> None:
        for name in WAY[:until]:
            self._wait(days + 6 * (name == "notice/close"))
            self.run(self._try(name))

    @act(name=st.sampled_from(NAMES), back=st.integers(0, 3))
    def try_anything(self, name: str, back: int) -> None:
        on = str(self.today - timedelta(days=back))
        self.run(self._try(name, occurred_on=on))

    @act(name=st.sampled_from(NAMES), who=st.sampled_from(sorted(PEOPLE)))
    def let_anybody_try(self, name: str, who: str) -> None:
        self.run(self._try(name, who=who))

    @act(name=st.sampled_from(NAMES))
    def two_at_once(self, name: str) -> None:
        """The same act by two officers at once: taken once at the most, but for objections."""
        answers = self.run(self._both(name))
        if not name.startswith("objections") and not name.startswith("officers"):
            assert [answer.status_code for answer in answers].count(200) <= 1, name

    async def _both(self, name: str) -> Any:
        return await asyncio.gather(self._try(name, check=False), self._try(name, check=False))

    @act(name=st.sampled_from(NAMES))
    def act_on_an_old_version(self, name: str) -> None:
        answer = self.run(self._try(name, headers={"If-Match": '"1"'}))
        if len(self.seen) > 1:
            assert answer.status_code != 200

    @act()
    def object(self) -> None:
        """On to the notice, if it does not hang yet; then somebody objects."""
        self._go_on(WAY.index("notice") + 1, 0)
        self.run(self._try("objections"))

    @act(upheld=st.booleans())
    def answer(self, upheld: bool) -> None:
        body = {"upheld": upheld, "answer": "已核实"}
        for objection in self.objections:
            path = f"/cases/{self.case}/objections/answer"
            self.run(self._post("town", path, {**body, "objection_id": objection}))

    @act(days_ago=st.integers(0, 10), leads=st.integers(1, 3))
    def report_again(self, days_ago: int, leads: int) -> None:
        on = str(self.today - timedelta(days=days_ago))
        self.run(self._leads(on, leads))

    async def _leads(self, on: str, leads: int) -> None:
        await asyncio.gather(*(self.world.lead(self.home, on) for _ in range(leads)))

    @act()
    def let_the_clocks_speak(self) -> None:
        self.run(self.world.application.tick(system("identification"), limit=20))

    async def _try(
        self,
        name: str,
        *,
        who: str | None = None,
        headers: dict[str, str] | None = None,
        check: bool = True,
        **more: str,
    ) -> Any:
        proper, body = self.acts[name]
        path = f"/cases/{self.case}/{name.partition('#')[0]}"
        made = await self._post(who or proper, path, {**body, **more}, headers=headers, check=check)
        if name == "objections" and made.status_code == 200:
            self.objections.append(made.json()["events"][0]["data"]["objection_id"])
        return made

    async def _post(
        self, who: str, path: str, body: Any, headers: Any = None, *, check: bool = True
    ) -> Any:
        """One request; when it is refused, nothing anywhere in the database has changed."""
        before = await self._everything() if check else None
        made = await self.world.post(who, path, body, headers)
        assert made.status_code in {200, 403, 404, 409, 412, 422}, made.text
        if made.status_code != 200:
            problem = made.json()
            assert problem["code"]
            assert problem["detail"]
            if check:
                assert await self._everything() == before, (path, problem)
        return made

    async def _everything(self) -> Any:
        query = """
            select (select count(*) from es.event), (select count(*) from vault.record),
                   (select count(*) from es.idempotency), (select count(*) from rm.work_item),
                   (select md5(string_agg(c::text, '' order by stream_id)) from rm.household_case c)
        """
        async with self.world.database.reading() as tx:
            return tuple(await tx.raw.fetchrow(query))

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def nothing_that_must_not_be(self) -> None:
        """What was recorded stays as it was; and then all that must follow from it."""
        now = self.run(self._history())
        assert now[: len(self.seen)] == self.seen
        self.seen = now
        self.reached.update(row[1] for row in now)
        self._approval_follows_five_whole_days()
        self._one_case_is_active()
        self._the_track_says_what_the_events_say()

    async def _history(self) -> list[tuple[Any, ...]]:
        query = """
            select version, type, data::text, occurred_on, recorded_at
              from es.event where category = 'case' and key = $1 order by pos
        """
        async with self.world.database.reading() as tx:
            return [tuple(row) for row in await tx.raw.fetch(query, self.home)]

    def _approval_follows_five_whole_days(self) -> None:
        posted: date | None = None
        for _, name, _, on, _ in self.seen:
            if name == "NoticePosted":
                posted = on
            elif name == "Approved":
                assert posted is not None
                assert on >= posted + timedelta(days=6)

    def _one_case_is_active(self) -> None:
        shown = self.run(self.world.get("county", f"/households/{self.home}"))
        active = [case for case in shown["cases"] if case["status"] in {"OPEN", "IDENTIFIED"}]
        assert len(active) <= 1

    def _the_track_says_what_the_events_say(self) -> None:
        shown = self.run(self.world.get("county", f"/cases/{self.case}"))
        approved = [on for _, name, _, on, _ in self.seen if name == "Approved"]
        if shown["status"] == "IDENTIFIED":
            entered = shown["green_channel"]["entered_on"]
            assert shown["identified_on"] == (entered or str(approved[0]))
        else:
            assert shown["identified_on"] is None


@pytest.fixture
def office(
    postgres: EmbeddedPostgres, divisions: Divisions, tmp_path: Path
) -> Iterator[type[Office]]:
    """The machine on a database of its own, in an event loop of its own."""
    with asyncio.Runner() as runner:
        database = service_database(postgres, SCHEMA)
        urls = runner.run(database.__aenter__())
        world = worked(urls, divisions, evidence_room(tmp_path))
        Office.world, Office.runner = runner.run(world.__aenter__()), runner
        yield Office
        runner.run(world.__aexit__(None, None, None))
        runner.run(database.__aexit__(None, None, None))


@rule("R7", "R25", "R51", "R56", "R62", "R64", "K2", "K6")
def test_whatever_an_office_tries(office: type[Office]) -> None:
    quick = settings(
        max_examples=10,
        stateful_step_count=14,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(office, settings=quick)
    assert office.reached >= {"Approved", "NoticePosted", "ObjectionRaised", "TownReviewed"}
