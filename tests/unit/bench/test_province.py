"""The simulated province: made-up people's numbers, and the departments' files."""

from datetime import date

import pytest

from bench.numbers import Numbers, number_of
from bench.province.files import FEEDS, HEADER, Senders, expected_cases
from shared.vault.documents import parse_document

LIVES = ["370114"] * 600


@pytest.mark.parametrize("person", [0, 1, 24_999, 25_000, 59_999])
def test_all_numbers_at_once_are_those_of_each_alone(person: int) -> None:
    assert Numbers(60_000)[person] == number_of(person)


@pytest.mark.parametrize("grave", [1.0, 0.1])
def test_a_month_s_rows_are_all_there_and_so_many_open_something(grave: float) -> None:
    senders = Senders(LIVES, 0.5, grave)
    rows, over = 0, 0
    for share in senders.shares():
        heading, *lines = senders.lines(share, 100_000, date(2023, 8, 1))
        assert heading == HEADER
        rows += len(lines)
        amounts = [float(line.split(",")[4]) for line in lines]
        without = share[0] not in {"medical-insurance", "education"}
        over += len(lines) if without else sum(amount >= 10_001 for amount in amounts)
    assert 99_990 <= rows <= 100_000
    assert [share[0] for share in senders.shares()] == list(FEEDS)
    assert 0.8 < over * 0.85 / (expected_cases(100_000) * grave) < 1.2


def test_the_same_seed_sends_the_same_file_of_people_whose_numbers_check() -> None:
    first, again = (
        list(Senders(LIVES, 0.5).lines(("police", "ACCIDENT", 0.1), 200, date(2023, 8, 1)))
        for _ in range(2)
    )
    assert first == again
    for line in first[1:]:
        parse_document(line.strip().rsplit(",", 1)[1])
