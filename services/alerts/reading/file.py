"""Reads a file in a process of its own, block by block.

A million rows keep a processor busy for some seconds; what is handed over are the bytes that the
database takes. A ``Plan`` is all this process knows.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

from services.alerts.reading.columns import Columns
from services.alerts.reading.plan import Block, Draft, Plan
from shared.kernel.refusal import Refusal
from shared.tabular.faults import Unreadable
from shared.tabular.reading import open_table
from shared.tabular.table import Kind, Row, Run, Table

_FEWEST = 1_000
"""Rows that are looked at together, be a block ever so nearly full."""
_SELDOM = 10
"""Where but one row in so many is open, so far, half as many times the rows are looked at."""


class FileReader:
    """One file, from its first byte to its last block."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._file: IO[bytes] = TemporaryFile(prefix="dixian-feed-")  # noqa: SIM115 - until closed
        self._table: Table | None = None
        self._batches: Iterator[Run | Sequence[Row]] = iter(())
        self._waiting: Run | Sequence[Row] = ()
        self._after = 0
        self._take: Callable[[Run | Sequence[Row], Draft], None] | None = None

    def add(self, part: bytes) -> None:
        """The next bytes."""
        self._file.write(part)

    def open(self, after: int) -> tuple[str, int | None]:
        """Be ready for the rows after row ``after``.

        Returns the code of what stands in the way, and about how many rows there are.
        """
        try:
            self._table = open_table(self._file, header_row=self._plan.mapping.header_row)
            self._take = Columns(self._plan, self._table).take
        except Refusal as refusal:
            return refusal.code, None
        self._batches, self._after = self._table.batches(), after
        return "", self._expected()

    def block(self, size: int, open_rows: int) -> Block:
        """The next rows: ``size`` of them, or as many as hold some ``open_rows`` open ones."""
        assert self._take is not None
        draft = Draft()
        made = draft.block
        try:
            while made.rows < size and len(made.candidates) < open_rows:
                wanted = max(open_rows - len(made.candidates), _FEWEST)
                if 0 < len(made.candidates) * _SELDOM < made.rows:
                    wanted *= _SELDOM // 2
                rows = self._some(min(size - made.rows, wanted))
                if not rows:
                    made.ended = True
                    break
                made.rows += len(rows)
                made.last_row = _last_of(rows)
                self._take(rows, draft)
        except Unreadable as fault:
            made.fault, made.ended = fault.code, True
        return draft.done()

    def close(self) -> None:
        """Let go of the file."""
        if self._table is not None:
            self._table.close()
        self._file.close()

    def _expected(self) -> int | None:
        """Lines are counted in no time; a workbook's rows are not known before its end."""
        assert self._table is not None
        if self._table.kind is Kind.XLSX:
            return None
        plain = self._table.unpacked or self._file
        at, lines = plain.tell(), 0
        plain.seek(0)
        while part := plain.read(1 << 20):
            lines += part.count(b"\n")
        plain.seek(at)
        return lines

    def _some(self, count: int) -> Run | Sequence[Row]:
        """Up to ``count`` rows; none at the end."""
        while not self._waiting:
            batch = next(self._batches, None)
            if batch is None:
                return ()
            self._waiting = _after(batch, self._after)
        some, self._waiting = self._waiting[:count], self._waiting[count:]
        return some


def _last_of(rows: Run | Sequence[Row]) -> int:
    return rows.first + len(rows) - 1 if isinstance(rows, Run) else rows[-1].number


def _after(rows: Run | Sequence[Row], number: int) -> Run | Sequence[Row]:
    """Those with a greater number."""
    if isinstance(rows, Run):
        return rows[max(number + 1 - rows.first, 0) :]
    return [row for row in rows if row.number > number]


# What a worker process is asked, by name: a reader lives where it was begun.
_READERS: dict[UUID, FileReader] = {}


def begin(file_id: UUID, plan: Plan) -> None:
    """Begin to read a file."""
    end(file_id)
    _READERS[file_id] = FileReader(plan)


def add(file_id: UUID, part: bytes) -> None:
    """The next bytes of it."""
    _READERS[file_id].add(part)


def ready(file_id: UUID, after: int) -> tuple[str, int | None]:
    """All bytes are there: what ``FileReader.open`` says."""
    return _READERS[file_id].open(after)


def block(file_id: UUID, size: int, open_rows: int) -> Block:
    """Its next block.

    Without the garbage collector, which would go through a block's objects over and over and find
    none to collect: a third of the time.
    """
    gc.disable()
    try:
        return _READERS[file_id].block(size, open_rows)
    finally:
        gc.enable()


def end(file_id: UUID) -> None:
    """Let go of it."""
    reader = _READERS.pop(file_id, None)
    if reader is not None:
        reader.close()
