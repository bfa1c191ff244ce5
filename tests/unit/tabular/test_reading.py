"""Files as offices send them, and files as nobody should."""

import gzip
import io
import os
import struct
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from hashlib import sha256
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from shared.tabular import cells, writing
from shared.tabular.faults import BadCell, TooLarge, Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Flaw, Kind, Limits, Row, Table
from shared.tabular.upload import in_batches, received

CSV = "编号,姓名,金额\nYB-1,王秀英,100.50\nYB-2,李强,7\n"
READ = [["YB-1", "王秀英", "100.50"], ["YB-2", "李强", "7"]]


def opened(content: bytes, **options: Any) -> Table:
    return open_table(io.BytesIO(content), **options)


def rows(content: bytes, **options: Any) -> list[Row]:
    with opened(content, **options) as table:
        return list(table.rows())


def refused(content: bytes, **options: Any) -> str:
    with pytest.raises(Unreadable) as found:
        rows(content, **options)
    assert found.value.zh
    assert found.value.field == "file"
    return found.value.code


def workbook(*lines: list[Any], shared: bool = True, **options: Any) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"constant_memory": not shared})
    sheet = book.add_worksheet()
    dated = book.add_format({"num_format": options.get("date_format", 'yyyy"年"m"月"d"日"')})
    for at, line in enumerate(lines):
        for column, value in enumerate(line):
            if isinstance(value, date):
                sheet.write_datetime(at, column, value, dated)
            elif value != "":
                sheet.write(at, column, value)
    for area in options.get("merge", ()):
        sheet.merge_range(area, "合并")
    book.close()
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("gb18030"),
        CSV.replace(",", ";").encode(),
        CSV.replace(",", "\t").encode(),
        CSV.replace("\n", "\r\n").encode(),
        b"\n" + CSV.encode() + b",,\n\n",
        gzip.compress(CSV.encode()),
        workbook(*[line.split(",") for line in CSV.splitlines()]),
        workbook(*[line.split(",") for line in CSV.splitlines()], shared=False),
        gzip.compress(workbook(*[line.split(",") for line in CSV.splitlines()])),
        '{"编号":"YB-1","姓名":"王秀英","金额":"100.50"}\n\n{"金额":7,"姓名":"李强","编号":"YB-2"}'.encode(),
    ],
)
def test_a_table_is_known_by_its_content(content: bytes) -> None:
    with opened(content) as table:
        assert table.header == ("编号", "姓名", "金额")
        assert [list(row.cells) for row in table.rows()] == READ
        assert [list(row.cells) for row in table.rows()] == READ, "it can be read again"


def test_what_we_write_we_read() -> None:
    for kind in (writing.Format.CSV, writing.Format.XLSX, writing.Format.JSONL):
        target = io.BytesIO()
        writing.write(kind, {"a": "a", "b": "b"}, [{"a": "甲", "b": "x,y"}], target)
        table = opened(target.getvalue())
        assert (table.header, next(table.rows()).cells) == (("a", "b"), ["甲", "x,y"])


def test_rows_keep_the_numbers_they_have_in_the_file() -> None:
    assert [row.number for row in rows(CSV.encode())] == [2, 3]
    assert [row.number for row in rows(workbook(["a"], [""], ["x"], ["y"]))] == [3, 4]
    assert [row.number for row in rows(b'a,b\n"x\ny",2\nz,3\n')] == [2, 4]


def test_a_title_above_the_header_is_passed_over() -> None:
    titled = workbook(["医保预警表", "", ""], ["编号", "姓名"], ["1", "甲"], merge=["A1:C1"])
    assert refused(titled) == "header-not-text"
    assert opened(titled, header_row=2).header == ("编号", "姓名")
    assert opened(b"title\na,b\n1,2\n", header_row=2).header == ("a", "b")


def test_a_broken_line_takes_no_other_with_it() -> None:
    content = b'a,b\n1,2\n3,"4" x\n5,6,7\n8\n"open,9\n10,11\n' + b"12,13\n" * 100
    found = rows(content)
    assert [row.flaw for row in found[:5]] == [
        "",
        "malformed-csv",
        "too-many-cells",
        "too-few-cells",
        "malformed-csv",
    ]
    assert found[5] == Row(7, ["10", "11"])
    assert [row.number for row in found[5:]] == list(range(7, 108))


def test_a_broken_object_takes_no_other_with_it() -> None:
    lines = [b'{"a":1,"b":2}', b"{", b"[1]", b'{"a":{"c":1}}', b'{"a":null}', b'{"a":true}']
    content = b"\n".join(lines * 200 + [b'{"z":1}'])
    found = rows(content)
    assert [row.flaw for row in found[:3]] == ["", "malformed-json", "malformed-json"]
    assert [row.cells[0] for row in found[3:6]] == [Flaw.NESTED, "", True]
    assert found[-1].flaw == "unknown-column"


@pytest.mark.parametrize("written", ["yyyy-mm-dd", "m/d/yy", "d mmm", 'yyyy"年"m"月"d"日"'])
def test_dates_of_a_workbook_are_dates(written: str) -> None:
    (row,) = rows(workbook(["日", "数"], [date(2023, 8, 1), 45139], date_format=written))
    assert row.cells == [date(2023, 8, 1), "45139"]


def test_a_workbook_of_another_program_is_read() -> None:
    book = openpyxl.Workbook()
    book.active.append(["日", "额", "证件号码", "是"])
    book.active.append([date(2023, 8, 1), 12.1, 370181196503080017, True])
    book.create_sheet("空白")
    target = io.BytesIO()
    book.save(target)
    (row,) = rows(target.getvalue())
    assert (cells.day(row.cells[0]), cells.fen(row.cells[1])) == (date(2023, 8, 1), 1210)
    assert cells.flag(row.cells[3])
    with pytest.raises(BadCell) as lost:
        cells.text(row.cells[2])
    assert lost.value.code == "digits-lost"


def test_formulas_merged_cells_and_errors_are_no_values() -> None:
    content = workbook(
        ["a", "b"], ["=1+1", "x"], ["", "y"], ["", "z"], ["=NA()", "u"], merge=["A3:A4"]
    )
    found = rows(content)
    assert [row.cells[0] for row in found] == [
        Flaw.FORMULA,
        Flaw.MERGED,
        Flaw.MERGED,
        Flaw.FORMULA,
    ]
    assert [row.cells[1] for row in found] == ["x", "y", "z", "u"]


def test_one_sheet_is_read_and_two_are_refused() -> None:
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.create_sheet("二").append(["b"])
    book.create_sheet("藏").append(["c"])
    book["藏"].sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    assert refused(target.getvalue()) == "several-sheets"
    book["二"].sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    assert opened(target.getvalue()).header == ("a",)


def repacked(content: bytes, **changes: bytes) -> bytes:
    """A workbook with other content in some parts."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            part = next((value for key, value in changes.items() if name.endswith(key)), None)
            new.writestr(name, old.read(name) if part is None else part)
    return target.getvalue()


GOOD = workbook(["a", "b"], *[[f"x{n}", "y"] for n in range(200)])
BILLION = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>'


def container(*streams: str) -> bytes:
    """An OLE compound file (MS-CFB) with these streams: what Excel puts an encrypted workbook into.

    A sector of the allocation table, one of the directory, and eight of random bytes a stream.
    """
    free, end, table, root = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 5
    chains = [at + 1 if at % 8 else end for at in range(1, 8 * len(streams) + 1)]
    fat = [table, end, *(at + 1 if at != end else end for at in chains)]

    def entry(name: str, kind: int, child: int, beside: int, begin: int, size: int) -> bytes:
        title = name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<BBIII", kind, 1, free, beside, child)
        return (
            title.ljust(64, b"\0")
            + struct.pack("<H", len(title))
            + links
            + (bytes(36) + struct.pack("<IQ", begin, size))
        )

    directory = [entry("Root Entry", root, 1, free, end, 0)]
    for at, name in enumerate(streams):
        beside = at + 2 if at + 1 < len(streams) else free
        directory.append(entry(name, 2, free, beside, 2 + 8 * at, 4096))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    head += struct.pack("<109I", 0, *[free] * 108)
    body = struct.pack("<128I", *fat, *[free] * (128 - len(fat)))
    return head + body + b"".join(directory).ljust(512, b"\0") + os.urandom(4096 * len(streams))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"  \n ", "empty-file"),
        (b",,\n", "no-header"),
        (b"a,a\n1,2\n", "duplicate-column"),
        (b"{}\n", "no-header"),
        (CSV.encode("utf-16"), "wrong-encoding"),
        ("编号,姓名\n".encode() + b"\xff\xff\xff,\x80\n", "wrong-encoding"),
        (CSV.encode() + "王".encode()[:2], "wrong-encoding"),
        (b"a,b\n\0,1\n", "not-a-table"),
        (gzip.compress(CSV.encode())[:-9], "truncated-file"),
        (b"\x1f\x8b" + b"x" * 40, "truncated-file"),
        (GOOD[: len(GOOD) // 2], "damaged-workbook"),
        (b"PK\x03\x04" + b"x" * 600, "damaged-workbook"),
        (repacked(GOOD, **{"sheet1.xml": b"<worksheet><sheetData><row>"}), "empty-file"),
        (repacked(GOOD, **{"sheet1.xml": b"<worksheet><row><c><v>1</v></c>"}), "damaged-workbook"),
        (repacked(GOOD, **{"sharedStrings.xml": BILLION}), "not-a-workbook"),
        (repacked(GOOD, **{"sharedStrings.xml": b"<sst/>"}), "damaged-workbook"),
        (repacked(GOOD, **{"workbook.xml": b"<!DOCTYPE x><workbook/>"}), "not-a-workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "legacy-workbook"),
        (container("Workbook"), "legacy-workbook"),
        (container("EncryptionInfo", "EncryptedPackage"), "encrypted-workbook"),
    ],
)
def test_what_is_no_table_is_refused_whole(content: bytes, code: str) -> None:
    assert refused(content) == code


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as book:
        book.writestr("letter.txt", "hello")
    assert refused(target.getvalue()) == "not-a-workbook"


def test_bombs_do_not_go_off() -> None:
    small = Limits(unpacked=1 << 20, rows=1000, columns=10)
    assert refused(gzip.compress(b"a,b\n" + b"0,0\n" * (1 << 20)), limits=small) == (
        "unpacks-too-large"
    )
    sheet = b"<worksheet><sheetData><row><c><v>1</v></c></row>" + b" " * (2 << 20)
    assert refused(repacked(GOOD, **{"sheet1.xml": sheet}), limits=small) == "unpacks-too-large"
    many = ",".join(f"c{n}" for n in range(11)).encode()
    assert refused(many + b"\n", limits=small) == "too-many-columns"
    with pytest.raises(TooLarge):
        list(opened(b"a\n" + b"1\n" * 11).rows(limit=10))


def test_a_bomb_without_a_value_is_no_empty_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tabular.workbook._BARE", 1 << 20)
    bare = b"<worksheet><sheetData>" + b" " * (1 << 21)
    assert refused(repacked(GOOD, **{"sheet1.xml": bare})) == "unpacks-too-large"


def test_a_cell_that_is_too_long_is_its_row_s_fault_alone() -> None:
    short = Limits(cell=5)
    for content in (b"a,b\n123456,1\n1,2\n", b'{"a":"123456","b":"1"}\n{"a":"1","b":"2"}'):
        assert [list(row.cells) for row in rows(content, limits=short)] == [
            [Flaw.TOO_LONG, "1"],
            ["1", "2"],
        ]
    for shared in (True, False):
        (first, _) = rows(workbook(["a"], ["123456"], ["1"], shared=shared), limits=short)
        assert first.cells == [Flaw.TOO_LONG]


@given(st.binary(max_size=300))
def test_no_bytes_at_all_end_in_anything_but_a_table_or_a_refusal(content: bytes) -> None:
    for begin in (b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"{", b"a,b\n"):
        try:
            rows(begin + content)
        except Unreadable:
            continue


@given(st.integers(min_value=0, max_value=len(GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_a_workbook_with_a_few_bytes_changed_is_read_or_refused(at: int, noise: bytes) -> None:
    try:
        rows(GOOD[:at] + noise + GOOD[at + len(noise) :], limits=Limits(unpacked=1 << 22))
    except Unreadable:
        return


async def test_an_upload_is_streamed_counted_and_hashed() -> None:
    async def body(times: int) -> AsyncIterator[bytes]:
        for _ in range(times):
            yield b"12345,x\n" * 1000

    async with received(body(300)) as upload:
        assert upload.size == 2_400_000
        assert upload.sha256 == sha256(b"12345,x\n" * 300_000).digest()
        table = open_table(upload.file)
        batches = [len(batch) async for batch in in_batches(table.rows(), 100_000)]
    assert batches == [100_000, 100_000, 99_999]
    with pytest.raises(TooLarge):
        async with received(body(300), limit=100_000):
            raise AssertionError("it was taken")


def test_a_table_says_what_it_is() -> None:
    assert (opened(CSV.encode("gb18030")).kind, opened(CSV.encode("gb18030")).encoding) == (
        Kind.CSV,
        "gb18030",
    )
