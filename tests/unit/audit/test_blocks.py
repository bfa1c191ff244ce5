"""Where words stand in a block: the same places come out, however many they are."""

from hypothesis import given
from hypothesis import strategies as st

from services.audit.log import blocks
from services.audit.log.blocks import BLOCK

SETS = st.sets(st.integers(0, BLOCK - 1), max_size=600)


@given(SETS, SETS)
def test_what_two_words_have_in_common(one: set[int], other: set[int]) -> None:
    packed = [blocks.pack(sorted(places)) for places in (one, other)]
    both = blocks.common(packed)
    assert list(blocks.in_order(both, ascending=True)) == sorted(one & other)
    assert list(blocks.in_order(both, ascending=False)) == sorted(one & other, reverse=True)
    assert all(len(raw) <= BLOCK // 8 for raw in packed)


def test_each_word_has_its_places() -> None:
    found = blocks.postings([(0, [7, 9]), (1, [7]), (BLOCK - 1, [9, 8])])
    places = {
        word: list(blocks.in_order(blocks.common([raw]), ascending=True))
        for word, raw in found.items()
    }
    assert places == {7: [0, 1], 9: [0, BLOCK - 1], 8: [BLOCK - 1]}
    everywhere = blocks.pack(list(range(BLOCK)))
    assert list(blocks.in_order(blocks.common([everywhere]), ascending=True)) == list(range(BLOCK))
