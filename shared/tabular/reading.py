"""Opens a file as the table it is: found out by its content, never by its name."""

import gzip
import tempfile
import zlib
from dataclasses import replace
from typing import IO

from shared.tabular.delimited import open_csv
from shared.tabular.faults import TooLarge, Unreadable
from shared.tabular.lines import open_ndjson
from shared.tabular.table import Limits, Table
from shared.tabular.workbook import open_workbook

_BLOCK = 1 << 20
_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
NO_LIMITS = Limits()


def open_table(file: IO[bytes], limits: Limits = NO_LIMITS, *, header_row: int = 1) -> Table:
    """The table in ``file``, which stays open while it is read. Raises ``Unreadable``.

    ``header_row`` is the row (or line) of the header where a title stands above it. Reading takes
    the processor's time: in a service it belongs into a thread or another process.
    """
    plain = unpacked(file, limits)
    try:
        table = _opened(plain, limits, header_row)
        _must_have_a_header(table, limits)
    except BaseException:
        if plain is not file:
            plain.close()
        raise
    return table if plain is file else replace(table, unpacked=plain)


def _opened(plain: IO[bytes], limits: Limits, header_row: int) -> Table:
    plain.seek(0)
    begin = plain.read(512)
    if not begin.strip():
        raise Unreadable("empty-file", "文件是空的", "it is empty")
    if begin.startswith(_OLE):
        raise _ole(plain)
    if begin.startswith(_ZIP):
        return open_workbook(plain, limits, header_row)
    if begin.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return open_ndjson(plain, limits)
    return open_csv(plain, limits, header_row)


def unpacked(file: IO[bytes], limits: Limits = NO_LIMITS) -> IO[bytes]:
    """The file itself, or what a gzip file holds. Raises ``Unreadable``, ``TooLarge``."""
    file.seek(0)
    if file.read(2) != _GZIP:
        return file
    file.seek(0)
    plain = tempfile.TemporaryFile(prefix="dixian-table-")  # noqa: SIM115 - the table reads it
    try:
        with gzip.GzipFile(fileobj=file) as packed:
            while block := packed.read(_BLOCK):
                plain.write(block)
                if plain.tell() > limits.unpacked:
                    raise TooLarge(
                        "unpacks-too-large", "解压后过大", "it is too large once unpacked"
                    )
    except (EOFError, OSError, zlib.error):
        plain.close()
        raise Unreadable(
            "truncated-file", "压缩文件不完整或已损坏", "the gzip file is cut off or damaged"
        ) from None
    except BaseException:
        plain.close()
        raise
    return plain


def _ole(file: IO[bytes]) -> Unreadable:
    """Old Office files and encrypted new ones share a container."""
    file.seek(0)
    tail = b""
    while block := file.read(_BLOCK):
        if _ENCRYPTED in tail + block:
            return Unreadable(
                "encrypted-workbook", "工作簿已加密,请去除密码后再报送", "the workbook is encrypted"
            )
        tail = block[-len(_ENCRYPTED) :]
    return Unreadable(
        "legacy-workbook", "不支持.xls,请另存为.xlsx", "an .xls of old; save it as .xlsx"
    )


def _must_have_a_header(table: Table, limits: Limits) -> None:
    """Raises ``Unreadable``, ``TooLarge``."""
    names = table.header
    if not names:
        raise Unreadable("no-header", "没有表头", "it has no header")
    if len(names) > limits.columns:
        raise TooLarge(
            "too-many-columns", f"超过{limits.columns}列", f"it has over {limits.columns} columns"
        )
    if len(set(names)) != len(names):
        raise Unreadable(
            "duplicate-column", "表头中有重复的列名", "its header has the same name twice"
        )
