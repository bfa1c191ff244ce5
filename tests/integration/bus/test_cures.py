"""What was parked for want of something goes on by itself once that has come."""

from shared.bus.consumer import Consumer, Cure
from shared.bus.embedded import EmbeddedBroker
from shared.kernel.ids import new_id
from shared.kernel.refusal import Refusal
from shared.store.database import Transaction
from shared.testing.bus import (
    TOPIC,
    Place,
    Witness,
    consumer_of,
    effects,
    notes,
    published,
    relay_of,
    running,
    until,
)
from shared.testing.bus_suite import take
from shared.testing.decider import rule


@rule("R28")
async def test_what_was_parked_goes_on_when_what_it_wanted_has_come(
    embedded: EmbeddedBroker, source: Place, sink: Place, witness: Witness
) -> None:
    wanting = Refusal("R28", code="no-policy-in-force", zh="没有政策", en="no policy")
    broken = Refusal("R56", code="too-early", zh="公示未满", en="too early")
    witness.fails("lead", wanting)
    witness.fails("early", broken)
    stream, other = new_id(), new_id()
    await notes(source, stream, "lead", "after")
    await notes(source, other, "early")
    await published(relay_of(source, embedded))
    await take(embedded, sink, witness, 3)
    there: list[str] = []
    cures = {"refused:R28": _count_of(there)}
    consumer = consumer_of(sink, witness.handler, cures=cures)
    assert await consumer.cure() == 0, "the first look tries, and it is still wanting"
    assert await consumer.parked.count() == 3
    witness.mend()
    assert await consumer.cure() == 0, "nothing has come: nothing is tried"
    there.append("policy")
    async with running(lambda: consumer.run(embedded, [TOPIC])):
        await until(lambda: _parked(consumer, 1))
    assert [effect.text for effect in await effects(sink)] == ["lead", "after"]
    [left] = await consumer.parked.list()
    assert left.reason == "refused:R56"


def _count_of(there: list[str]) -> Cure:
    async def count(_tx: Transaction) -> object:
        return len(there)

    return count


async def _parked(consumer: Consumer, count: int) -> bool:
    return await consumer.parked.count() == count
