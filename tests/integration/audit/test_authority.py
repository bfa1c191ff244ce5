"""An authorization proves itself to whoever carries it out; a forged one is parked."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from dixian.access import service as in_production
from services.audit.log.keys import FileKey
from services.identification.schema import SCHEMA
from shared.bus.cloudevents import encode, topic
from shared.bus.connection import connector
from shared.bus.consumer import Consumer, ConsumerSettings
from shared.bus.embedded import EmbeddedBroker
from shared.bus.embedded_tables import LOG_SCHEMA
from shared.contracts.audit import CorrectionAuthorized, CorrectionKind, CorrectionReason, Gate
from shared.kernel.clock import SystemClock
from shared.kernel.event import Metadata, Recorded
from shared.service.authority import Authority, NotAuthorized
from shared.store import event_store
from shared.store.database import Database
from shared.testing.decider import rule
from tests.integration.audit.test_gates import Gates, gates

__all__ = ["gates"]

Forge = Callable[[CorrectionAuthorized], CorrectionAuthorized]
ATTACKER = FileKey(b"a" * 32)


@pytest.fixture
async def genuine(gates: Gates) -> CorrectionAuthorized:
    """What goes out when every gate is passed."""
    correction, _ = await gates.file()
    await gates.through(correction)
    async with gates.service.database.reading() as tx:
        history = await event_store.load(tx.raw, "audit", UUID(correction))
    return cast(CorrectionAuthorized, history[-1].event)


@pytest.fixture
def authority(genuine: CorrectionAuthorized, tmp_path: Path) -> Authority:
    """The log's key, as a service has it in its file."""
    public = FileKey.at(tmp_path / "audit-log.key").public().hex()
    (tmp_path / "known.pub").write_text(f"{ATTACKER.public().hex()[::-1]}\n{public}\n")
    return Authority(tmp_path / "known.pub")


def changed(event: CorrectionAuthorized, **fields: Any) -> CorrectionAuthorized:
    return event.model_copy(update=fields)


def sealed(event: CorrectionAuthorized, key: FileKey) -> CorrectionAuthorized:
    return changed(event, seal=key.sign(event.sealed()).hex())


def with_decision(event: CorrectionAuthorized, at: int, **fields: Any) -> CorrectionAuthorized:
    decisions = list(event.decisions)
    decisions[at] = decisions[at].model_copy(update=fields)
    return changed(event, decisions=tuple(decisions))


def target_moved(event: CorrectionAuthorized) -> CorrectionAuthorized:
    [target] = event.targets
    return changed(event, targets=(target.model_copy(update={"stream_id": UUID(int=9)}),))


OUTSIDERS: tuple[Forge, ...] = (
    lambda event: changed(event, seal=None),
    lambda event: changed(event, seal="00" * 64),
    lambda event: sealed(event, ATTACKER),
    lambda event: changed(event, filing="国备〔2026〕99号"),
    lambda event: changed(event, deadlines=()),
    lambda event: changed(event, correction_id=UUID(int=7)),
    lambda event: changed(event, content_sha256="00" * 32),
    lambda event: changed(event, decisions=event.decisions[:2]),
    lambda event: with_decision(event, 0, public_key=ATTACKER.public().hex()),
)
"""What somebody can write to the bus who has not the log's key: the seal alone tells."""


@rule("R107", "R108")
def test_what_the_log_has_not_signed_is_nothing(
    genuine: CorrectionAuthorized, authority: Authority
) -> None:
    authority.must_hold(genuine)
    assert [item.gate for item in genuine.decisions] == [Gate.CITY, Gate.PROVINCE, Gate.NATION]
    unknown = Authority(authority.file.with_name("absent"))
    asked = [(authority, forge(genuine)) for forge in OUTSIDERS]
    for asks, event in (*asked, (unknown, genuine)):
        with pytest.raises(NotAuthorized, match="no known audit log has signed it"):
            asks.must_hold(event)


def with_another_signature(event: CorrectionAuthorized) -> CorrectionAuthorized:
    return with_decision(event, 1, signature=event.decisions[0].signature)


def with_one_person_twice(event: CorrectionAuthorized) -> CorrectionAuthorized:
    said = event.decisions[1].statement.replace('"province"', '"leader"')
    return with_decision(
        event,
        1,
        statement=said,
        public_key=ATTACKER.public().hex(),
        signature=ATTACKER.sign(said.encode()).hex(),
    )


def with_a_refusal(event: CorrectionAuthorized) -> CorrectionAuthorized:
    said = event.decisions[2].statement.replace("APPROVED", "REFUSED")
    return with_decision(event, 2, statement=said)


def with_other_content(event: CorrectionAuthorized) -> CorrectionAuthorized:
    said = (event.content or "").replace("WRONG_ENTRY", "DUPLICATE")
    digest = sha256(said.encode()).hexdigest()
    return changed(event, content=said, content_sha256=digest, reason=CorrectionReason.DUPLICATE)


INSIDERS: tuple[tuple[Forge, str], ...] = (
    (target_moved, "something else than the request"),
    (lambda event: changed(event, kind=CorrectionKind.PURGE), "something else than the request"),
    (lambda event: changed(event, content=None), "not what its hash says"),
    (with_other_content, "the gate CITY decided something else"),
    (with_a_refusal, "the gate NATION decided something else"),
    (with_another_signature, "the signature of the gate PROVINCE is wrong"),
    (with_one_person_twice, "one person had a hand in it twice"),
    (lambda event: changed(event, decisions=event.decisions[1:]), "no decision of the gate CITY"),
    (
        lambda event: changed(event, decisions=(event.decisions[0], *event.decisions)),
        "no decision of the gate CITY",
    ),
)
"""What an audit service gone wrong could sign: the gates' own signatures tell."""


@rule("R107", "R108", "R109")
def test_the_log_s_word_does_not_stand_for_the_gates(
    genuine: CorrectionAuthorized, authority: Authority, tmp_path: Path
) -> None:
    ours = FileKey.at(tmp_path / "audit-log.key")
    for forge, why in INSIDERS:
        with pytest.raises(NotAuthorized, match=why):
            authority.must_hold(sealed(forge(genuine), ours))


def recorded(event: CorrectionAuthorized) -> Recorded[CorrectionAuthorized]:
    return Recorded(
        event_id=uuid4(),
        stream_id=uuid4(),
        category="correction",
        version=1,
        key=event.correction_id,
        region="3701",
        occurred_on=date(2026, 1, 5),
        recorded_at=datetime(2026, 1, 5, tzinfo=UTC),
        event=event,
        metadata=Metadata("person:n", "CN", ("officer",), uuid4(), uuid4()),
    )


@rule("R107", "R108")
async def test_every_service_asks_before_it_acts(
    genuine: CorrectionAuthorized, tmp_path: Path
) -> None:
    for name in ("alerts", "identification", "assistance"):
        (tmp_path / name).mkdir()
        executor = in_production(name, tmp_path / name)
        with pytest.raises(NotAuthorized):
            await executor.handler.handle(cast(Any, None), [recorded(genuine)])
        await executor.stop()


@rule("R107", "R108")
async def test_a_forged_authorization_is_parked_and_nothing_is_executed(
    genuine: CorrectionAuthorized, authority: Authority, new_database: Any, tmp_path: Path
) -> None:
    bus, urls = await new_database(LOG_SCHEMA), await new_database(SCHEMA)
    broker = EmbeddedBroker(connector(bus.writer), partitions=1)
    (tmp_path / "keys").mkdir()
    executor = in_production("identification", tmp_path / "keys", database_url=urls.writer)
    (tmp_path / "keys/audit-log.pub").write_text(authority.file.read_text())
    database = Database(urls.writer, clock=SystemClock())
    consumer = Consumer(
        "identification", database, executor.handler, settings=ConsumerSettings(wait=5)
    )
    reading = await consumer.join(broker, [topic("audit")])
    forged = recorded(sealed(target_moved(genuine), ATTACKER))
    await (await broker.producer()).send_batch([encode(forged)])
    assert await consumer.turn(reading) == 1
    async with database.reading() as tx:
        parked = await tx.raw.fetch("select reason, detail from es.parked")
        assert await tx.raw.fetchval("select count(*) from es.event") == 0
    assert [row["reason"] for row in parked] == ["refused:R107"]
    assert "no known audit log has signed it" in parked[0]["detail"]
    await reading.close()
    await database.close()
    await executor.stop()
    await broker.close()
