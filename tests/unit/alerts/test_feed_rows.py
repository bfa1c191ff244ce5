"""A row of a file is judged as the same alert is that comes by itself: two ways, one rule."""

import csv
import io
import struct
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.alerts.domain import policies, triggers
from services.alerts.domain.alert_content import fingerprint, judged, said
from services.alerts.domain.commands import ReceiveAlert
from services.alerts.domain.feed import USUAL
from services.alerts.domain.register import Known
from services.alerts.handlers.alerts import alert_id
from services.alerts.reading import binary
from services.alerts.reading.check import Checker
from services.alerts.reading.columns import Columns
from services.alerts.reading.file import FileReader
from services.alerts.reading.numbers import surely_valid
from services.alerts.reading.plan import Block, Draft, Plan
from shared.contracts.alerts import AlertType, Fate, Population, Threshold
from shared.contracts.labels import labels
from shared.contracts.values import History
from shared.kernel.ids import named_bytes, named_id, new_id
from shared.kernel.refusal import Refusal
from shared.policy.divisions import Divisions
from shared.tabular.column import Column
from shared.tabular.table import Kind, Row, Table
from shared.testing.decider import rule
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import check_character, parse_document
from shared.vault.keyring import KeyRing

TODAY = date(2023, 8, 1)
INDEX = BlindIndex(KeyRing.new("CMAC-AES-256"))
FEED = "medical-insurance"
HEADER = tuple(USUAL.columns.values())
PLAN = Plan(FEED, "37", USUAL, triggers.DEFAULTS, TODAY, INDEX)
CHECK = Checker(PLAN, HEADER)
DIVISIONS = Divisions.load()


def number(body: str) -> str:
    return body + check_character(body)


GOOD = number("37018119650308001")
ROWS = st.fixed_dictionaries(
    {
        "external_id": st.sampled_from(["", "YB-1", "YB-2", "Y" * 65, "有", "a b", GOOD]),
        "type": st.sampled_from(["MEDICAL_STAY", "MEDICAL_YEAR", "DROPOUT", "", "住院"]),
        "happened_on": st.sampled_from(
            ["2023-07-31", "2023-08-01", "2023-08-02", "2021-12-31", "x"]
        ),
        "period": st.sampled_from(["", "2023", "2023-07", "2023-13", "七月"]),
        "amount": st.one_of(
            st.just(""),
            st.sampled_from(["4999.99", "5000", "6000", "6000.01", "10000", "10000.01", "-1", "y"]),
            st.integers(0, 3_000_000).map(lambda fen: f"{fen // 100}.{fen % 100:02d}"),
        ),
        "division": st.sampled_from(["370114001", "370114", "3701", "11", "370199", "371721", ""]),
        "name": st.sampled_from(["王秀英", "", " 李 ", "长" * 61]),
        "document_number": st.sampled_from(
            [GOOD, GOOD.lower(), GOOD + "31", GOOD + "31B1", GOOD[:-1], GOOD[:-1] + "Y", ""]
        ),
        "details": st.sampled_from(["", "透析"]),
    }
)


def by_itself(fields: dict[str, str]) -> ReceiveAlert:
    """What ``POST /alerts`` makes of the same words. Raises ``ValidationError`` or ``Refusal``."""
    amount = fields["amount"]
    command = ReceiveAlert.model_validate(
        {
            "feed": FEED,
            **{
                name: fields[name] or None
                for name in ("external_id", "period", "details", "type", "division")
            },
            "happened_on": fields["happened_on"],
            "amount": _fen(amount) if amount else None,
            "person": {"name": fields["name"], "document_number": fields["document_number"]},
        }
    )
    policies.type_is_the_feeds(FEED, command.type, triggers.FEEDS[FEED])
    policies.not_in_the_future(command.happened_on, TODAY, "happened_on")
    policies.local(command.division)
    if command.external_id is not None:
        policies.is_nobodys_number(command.external_id, "external_id", command.happened_on)
    DIVISIONS.require(command.division)
    parse_document(command.person.document_number)
    lowest = triggers.in_force(
        triggers.DEFAULTS, command.type, Population.MONITORED, command.happened_on
    )
    policies.amount_is_given(command.type, command.amount, lowest)
    return command


def _fen(text: str) -> Any:
    try:
        return round(float(text) * 100)
    except ValueError:
        return text


def households(kinds: Sequence[Population]) -> list[Known]:
    return [
        Known(
            new_id(),
            "370114001001",
            History.FORMERLY_POOR if kind is Population.FORMERLY_POOR else History.ORDINARY,
            monitored=kind is Population.MONITORED,
        )
        for kind in kinds
    ]


@rule("R42", "R65")
@settings(max_examples=400, deadline=None)
@given(ROWS, st.lists(st.sampled_from(Population), max_size=3))
def test_a_row_is_taken_refused_and_judged_as_the_alert_is(
    fields: dict[str, str], kinds: list[Population]
) -> None:
    try:
        expected = by_itself(fields)
    except (ValidationError, Refusal):
        with pytest.raises(Refusal) as refused:
            CHECK(Row(2, [fields[name] for name in USUAL.columns]))
        assert refused.value.code in labels()["RowReason"]
        return
    row = CHECK(Row(2, [fields[name] for name in USUAL.columns]))
    assert ReceiveAlert.model_validate(row.given()) == expected.model_copy(
        update={
            "person": expected.person.model_copy(update={"document_number": row.document.number})
        }
    )
    assert row.id == alert_id(expected, INDEX).bytes
    token = INDEX.identity(row.document)
    assert int.from_bytes(row.content, signed=True) == fingerprint(said(expected), token)
    recorded, report = judged(
        expected,
        alert_id(expected, INDEX),
        households(kinds),
        PLAN.book,
        screened=True,
        person_id=None,
    )
    if not row.is_open:
        assert (recorded.fate, report) == (Fate.BELOW_THRESHOLD, None)


@rule("R42", "K4", "K7")
@given(
    st.lists(
        st.builds(
            Threshold,
            type=st.just(AlertType.MEDICAL_STAY),
            population=st.sampled_from(Population),
            amount=st.integers(0, 20),
            inclusive=st.booleans(),
            effective_from=st.dates(date(2023, 1, 1), date(2023, 1, 5)),
            document=st.just("d"),
        ),
        max_size=6,
    ),
    st.dates(date(2023, 1, 1), date(2023, 1, 6)),
    st.integers(0, 22),
)
def test_surely_below_is_below_for_everybody_and_nothing_else(
    book: list[Threshold], on: date, amount: int
) -> None:
    lowest = triggers.surely_below(book, AlertType.MEDICAL_STAY, on)
    over = [
        triggers.over(triggers.in_force(book, AlertType.MEDICAL_STAY, population, on), amount)
        for population in Population
    ]
    assert (lowest is None or amount >= lowest) == any(over)


def test_a_threshold_set_later_for_the_same_day_goes_before() -> None:
    first = replace_amount(triggers.DEFAULTS[0], 1)
    found = triggers.in_force((first, *triggers.DEFAULTS), first.type, first.population, TODAY)
    assert found == first


def replace_amount(threshold: Threshold, amount: int) -> Threshold:
    return threshold.model_copy(update={"amount": amount})


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_named_bytes_are_those_of_the_id(parts: list[str]) -> None:
    assert named_bytes("kind", *parts) == named_id("kind", *parts).bytes


def reader(content: str) -> FileReader:
    made = FileReader(replace(PLAN))
    made.add(content.encode())
    return made


def columns(kind: Kind) -> Columns:
    return Columns(PLAN, Table(kind, HEADER, "utf-8", lambda: iter(())))


PLAIN = {
    "external_id": "YB-1",
    "type": "MEDICAL_STAY",
    "happened_on": "2023-07-31",
    "period": "2023-07",
    "amount": "10000.01",
    "division": "370114001",
    "name": "王秀英",
    "document_number": GOOD,
    "details": "",
}
NEARLY_PLAIN = st.builds(
    lambda row, names: PLAIN | {name: row[name] for name in names},
    ROWS,
    st.sets(st.sampled_from(sorted(PLAIN)), max_size=3),
)
TOGETHER, ONE_BY_ONE = columns(Kind.CSV), columns(Kind.NDJSON)


@rule("R42")
@settings(max_examples=200, deadline=None)
@given(st.lists(NEARLY_PLAIN, min_size=1, max_size=5))
def test_rows_read_together_are_what_each_is_by_itself(rows: list[dict[str, str]]) -> None:
    """Plain rows are recognised column by column: to the same bytes as one by one."""
    read = [Row(n, [row[name] for name in USUAL.columns]) for n, row in enumerate(rows, 2)]
    together, alone = Draft(), Draft()
    TOGETHER.take(read, together)
    ONE_BY_ONE.take(read, alone)
    assert parts(together.done()) == parts(alone.done())


def parts(block: Block) -> list[Any]:
    """All that a block holds, to be compared."""
    return [block.good.tolist(), block.candidates, block.refused, block.repeated]


def test_a_plain_row_is_recognised_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOGETHER, "_look_at", None)
    draft = Draft()
    TOGETHER.take([Row(2, list(PLAIN.values()))], draft)
    assert [item.n for item in draft.done().candidates] == [2]


@given(
    st.from_regex(r"[1-9]\d{5}(18|19|20)\d{2}[01]\d[0-3]\d{4}", fullmatch=True),
    st.sampled_from(["", "X", "x", "1", "２", " ", "a"]),
)
def test_a_number_that_is_surely_valid_is_valid(body: str, other: str) -> None:
    body = body[:17]
    texts = [
        body + check_character(body),
        body + other,
        body[:16] + other + body[16:],
        other + body,
    ]
    for text, surely in zip(texts, surely_valid(Column.of(texts)), strict=True):
        try:
            plain = parse_document(text).number == text and len(text) == 18
        except Refusal:
            plain = False
        assert surely == plain


def test_a_block_ends_where_it_is_full_of_open_rows_or_of_rows() -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for n in range(4_000):
        amount = "20000" if n % 2 else "1"
        writer.writerow(
            [f"A{n}", "MEDICAL_STAY", "2023-07-31", "", amount, "370114", "王", GOOD, ""]
        )
    made = reader(text.getvalue())
    try:
        assert made.open(after=0) == ("", 4_001)
        sizes = []
        while True:
            block = made.block(1_000, 300)
            sizes.append((block.rows, len(block.candidates), block.ended))
            if block.ended:
                break
        assert sum(rows for rows, _, _ in sizes) == 4_000
        assert all(300 <= open_rows <= 500 for _, open_rows, ended in sizes if not ended)
        assert made.open(after=2_400) == ("", 4_001)
        assert made.block(1_000, 10_000).last_row == 3_400
    finally:
        made.close()


FILE_ID = new_id()


def rows_of(packed: bytes) -> list[list[bytes | None]]:
    """What binary COPY reads."""
    assert (packed[:11], packed[-2:]) == (b"PGCOPY\n\xff\r\n\0", b"\xff\xff")
    at, found = 19, []
    while (count := struct.unpack_from(">h", packed, at)[0]) != -1:
        at += 2
        values: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", packed, at)
            at += 4
            values.append(None if length < 0 else packed[at : at + length])
            at += max(length, 0)
        found.append(values)
    return found


def read(*rows: tuple[str, str, str]) -> Block:
    """Own id, amount and division of each."""
    lines = [
        ",".join([own, "MEDICAL_STAY", "2023-07-31", "", amount, division, "王", GOOD, ""])
        for own, amount, division in rows
    ]
    made = reader("\n".join([",".join(HEADER), *lines]))
    try:
        made.open(after=0)
        return made.block(1_000, 1_000)
    finally:
        made.close()


def test_rows_below_are_packed_as_the_database_reads_them() -> None:
    good = read(
        ("A1", "100.01", "370114"), ("A2", "5", "370114001001"), ("A3", "7", "370114001")
    ).good
    found = [
        dict(zip(binary.BELOW, row, strict=True))
        for row in rows_of(b"".join(binary.kept_below(FILE_ID, good, "BELOW_THRESHOLD")))
    ]
    ids = [named_bytes("alert", FEED, "id", own) for own in ("A1", "A2", "A3")]
    assert [row["alert_id"] for row in found] == sorted(ids)
    first = next(row for row in found if row["alert_id"] == ids[0])
    day = (date(2023, 7, 31) - date(2000, 1, 1)).days
    assert first == {
        "file_id": FILE_ID.bytes,
        "n": (2).to_bytes(4),
        "fate": b"BELOW_THRESHOLD",
        "alert_id": ids[0],
        "content": good["content"][0].tobytes(),
        "token": INDEX.identity(parse_document(GOOD)),
        "type": b"MEDICAL_STAY",
        "happened_on": day.to_bytes(4),
        "amount": (10_001).to_bytes(8),
        "division": b"370114",
    }
    assert {row["division"] for row in found} == {b"370114", b"370114001001", b"370114001"}


def test_decided_rows_are_packed_each_with_its_fate() -> None:
    good = read(("A1", "20000", "370114"), ("A2", "30000", "370114001")).good
    good["amount"][1] = -1
    household = new_id()
    packed = binary.kept_decided(
        FILE_ID,
        good,
        ["LEAD", "REFUSED"],
        named=[True, False],
        households=[household, None],
        why=[(None, None), ("alert-id-reused", "external_id")],
    )
    lead, refused = [dict(zip(binary.DECIDED, row, strict=True)) for row in rows_of(packed)]
    assert (lead["fate"], lead["alert_id"], lead["household_id"], lead["code"]) == (
        b"LEAD",
        named_bytes("alert", FEED, "id", "A1"),
        household.bytes,
        None,
    )
    assert (refused["alert_id"], refused["household_id"], refused["amount"]) == (None, None, None)
    assert (refused["code"], refused["field"]) == (b"alert-id-reused", b"external_id")
