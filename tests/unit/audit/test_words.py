"""What an entry is found by."""

import pytest

from services.audit.domain import words


@pytest.mark.parametrize(
    "text",
    [
        "01a213dd-d349-72b1-a903-9b056f4667ba",
        "01" + "3f" * 16,
        "ab" * 32,
        "ab" * 64,
    ],
)
def test_ids_hashes_and_people_s_tokens_are_no_words(text: str) -> None:
    assert list(words.of_text(text)) == []


def test_a_text_is_cut_the_same_way_each_time() -> None:
    for _ in range(2):
        assert list(words.of_text("CaseOpened 公示期 370114101200 户")) == [
            *("case", "opened", "公示", "示期", "370114101200", "户")
        ]
