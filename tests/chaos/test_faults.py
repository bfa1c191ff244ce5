"""Every kind of fault on the cluster, under load, while the demo walks a household through it.

The demo must finish, the checker must find nothing; and then what is planted into this very
installation (a loss, a double, a fork) must be found.
"""

import asyncio
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from dixian.broker import missing
from dixian.demo.people import family
from dixian.provision import Tenant
from shared.testing.kafka import leave_out
from tests.chaos import faults
from tests.chaos.cluster import Cluster
from tests.chaos.run import Run, cluster_run
from tests.end_to_end.leaks import files_holding

SEED = 20230801
_LOSS = "delete from es.event where type = 'AlertReceived' and event_id::text = any($1)"
_DOUBLE = """
insert into es.event (stream_id, version, event_id, category, type, schema_version, key, region,
                      occurred_on, recorded_at, data, meta)
select gen_random_uuid(), 1, gen_random_uuid(), category, type, schema_version, key, region,
       occurred_on, recorded_at, data, meta
  from es.event where event_id::text = any($1) limit 1
"""
_FORK = """
update audit.entry set leaf = leaf || ' '::bytea where $1::text[] is not null and idx = 0
"""
PAUSE = 1.0
BETWEEN = 1.5
"""Seconds between two faults, so that each falls into another part of the story."""
VICTIMS = (
    *("alerts-worker", "identification-http", "audit-worker", "assistance-worker"),
    *("identification-worker", "alerts-http", "assistance-http", "audit-http", "issuer"),
)
OTHERS = (
    *(faults.stop_database, faults.kill_broker, faults.cut, faults.slow, faults.reset),
    *(faults.lose_answers, faults.deliver_again, faults.freeze),
)


@pytest.mark.kafka
async def test_nothing_is_lost_doubled_or_forked_whatever_fails() -> None:
    if lacking := missing():
        leave_out(f"the cluster's own broker needs {lacking}")
    # Not below pytest's own folder, which every other run of pytest closes to PostgreSQL's account.
    with TemporaryDirectory(prefix="dixian-chaos-", ignore_cleanup_errors=True) as home:
        async with cluster_run(Path(home), seed=SEED, replicas=1, per_second=3, pause=PAUSE) as run:
            await everything_fails(run)
            must_hold_nobody(run.cluster)
            await what_is_planted_is_found(run)


async def everything_fails(run: Run) -> None:
    """The demo and the load meanwhile; the checker finds nothing afterwards."""
    demo = run.cluster._popen("demo", "--patience", str(run.cluster.PATIENCE))
    async with run.under_load():
        for fault in _plan():
            await asyncio.sleep(BETWEEN)
            await (run.fault(fault) if callable(fault) else faults.killed(run.stage, fault))
    # Without the load: its last chapter waits until everything recorded is audited.
    told, _ = await asyncio.to_thread(demo.communicate, timeout=run.cluster.PATIENCE)
    assert demo.returncode == 0, told[-3000:] + run.cluster.said
    await run.fault(faults.poison)  # the demo would call it parked, and be right
    await run.settle()
    assert [str(item) for item in await run.judge()] == []
    assert len(run.load.answers) > 20
    for name in VICTIMS:
        assert f"{name} ended" in run.cluster.said, name


def _plan() -> list[faults.Fault | str]:
    """Every process and every other fault, in an order of chance that is always the same."""
    plan: list[faults.Fault | str] = [*VICTIMS, *OTHERS]
    Random(SEED).shuffle(plan)
    return plan


async def what_is_planted_is_found(run: Run) -> None:
    """A loss, a double and a fork, by somebody who may do anything to the databases."""
    assert (
        await _unnoticed(
            run,
            "alerts",
            "es.event",
            _LOSS,
            {"acknowledged-lost", "sent-invented", "audited-invented"},
        )
        == set()
    )
    assert (
        await _unnoticed(
            run,
            "identification",
            "es.event",
            _DOUBLE,
            {"act-doubled"},
        )
        == set()
    )
    assert (
        await _unnoticed(
            run,
            "audit",
            "audit.entry",
            _FORK,
            {"log-forked", "verify"},
        )
        == set()
    )


async def _unnoticed(run: Run, service: str, table: str, change: str, codes: set[str]) -> set[str]:
    """Which of these the checker did not find, of a change made past the triggers."""
    answered = sorted(set[str]().union(*(answer.events for answer in run.load.answers)))
    connection = await run.cluster.connect(Tenant(service).database)
    try:
        await connection.execute(f"alter table {table} disable trigger all")
        changed = await connection.execute(change, answered)
    finally:
        await connection.close()
    assert not changed.endswith(" 0"), changed
    return codes - {item.code for item in await run.judge()}


def must_hold_nobody(cluster: Cluster) -> None:
    """No topic of Kafka's, no log of a process, no data file of PostgreSQL's names the family."""
    sent = {*(person.name for person in family()), "13805310017", "蒲秋村幸福街17号"}
    assert [datum for datum in sent if datum in cluster.said] == []
    assert files_holding(cluster.home.root, sent) == []
    # This would find a leak: a code that every event of the case carries.
    segments = [path for _, path in files_holding(cluster.home.root, {"UNSTABLE_EXIT"})]
    assert any("kafka" in path and path.endswith(".log") for path in segments), segments
