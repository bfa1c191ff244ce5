"""Sharing partitions out: all members come to the same answer."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.membership import deal
from shared.bus.port import TopicPartition

TOPICS = ["dixian.alerts", "dixian.assistance"]
SOURCES = [TopicPartition(topic, part) for topic in TOPICS for part in range(8)]


@given(
    st.dictionaries(
        st.uuids(), st.lists(st.sampled_from(TOPICS), min_size=1, unique=True), min_size=1
    )
)
def test_every_partition_has_one_owner_that_wants_it(members: dict[UUID, list[str]]) -> None:
    hands = deal(SOURCES, members)
    assert hands == deal(SOURCES, dict(reversed(members.items())))
    dealt = [source for hand in hands.values() for source in hand]
    wanted = {topic for topics in members.values() for topic in topics}
    assert sorted(dealt) == [source for source in SOURCES if source.topic in wanted]
    for member, hand in hands.items():
        assert {source.topic for source in hand} <= set(members[member])


@given(st.integers(1, 16))
def test_equal_members_get_equal_shares(count: int) -> None:
    hands = deal(SOURCES, {UUID(int=n): TOPICS for n in range(count)})
    sizes = [len(hand) for hand in hands.values()]
    assert max(sizes) - min(sizes) <= 1
