"""Makes exports in the background: each row with its leaf and proof, under a checkpoint per log.

A file is a ZIP: the rows as people asked for them, ``proofs.jsonl`` (log, index, leaf, hashes),
``checkpoints/…`` and ``manifest.json`` (what was asked, by whom, how many rows, which keys, and the
SHA-256 of each other file). It is kept in the database, so that whichever process made it, every
process can hand it out.
"""

import asyncio
import base64
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson

from services.audit.exports import sheet
from services.audit.log import checkpoints, reader
from services.audit.log.checkpoints import Publisher, Signed
from services.audit.log.reader import Log
from services.audit.read_models import access
from services.audit.read_models.access import Reading
from services.audit.read_models.search import search
from services.audit.read_models.trail import Filter, Found, Place
from shared.kernel.clock import Clock
from shared.kernel.ids import new_id
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import NotFound
from shared.store.database import Database, Transaction
from shared.tabular import writing
from shared.tabular.writing import Format, TooLong

_PAGE = 200
_PART = 1 << 20
_READABLE = 0o644
_CLAIMED = timedelta(minutes=5)
"""A claim that is not renewed by progress for so long belongs to a process that died."""

_ASK = """
insert into audit.export
    (export_id, actor, actor_division, actor_roles, format, query, asked_at, rows)
values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, 0)
"""
_CLAIM = """
update audit.export set claimed_until = $2
 where export_id = (
    select export_id from audit.export
     where finished_at is null and (claimed_until is null or claimed_until < $1)
     order by asked_at limit 1 for update skip locked)
returning export_id, actor, actor_division, actor_roles, format, query::text, asked_at
"""
_STATUS = """
select export_id, format, query::text, asked_at, rows, finished_at, failure,
       (select coalesce(sum(octet_length(content)), 0) from audit.export_part p
         where p.export_id = e.export_id) as bytes
  from audit.export e where export_id = $1 and actor = $2
"""
_PROGRESS = "update audit.export set rows = $2, claimed_until = $3 where export_id = $1"
_FINISH = "update audit.export set rows = $2, finished_at = $3, failure = $4 where export_id = $1"
_PART_INSERT = "insert into audit.export_part (export_id, n, content) values ($1, $2, $3)"
_PARTS = "select content from audit.export_part where export_id = $1 and n = $2"


class NoSuchExport(NotFound):
    """There is no such export of this caller's."""

    def __init__(self) -> None:
        super().__init__("导出任务", "export", field="export_id")


@dataclass(frozen=True)
class Job:
    """One export as it was asked for."""

    export_id: UUID
    asker: Principal
    format: Format
    filter: Filter
    asked_at: datetime


async def ask(
    tx: Transaction, asker: Principal, kind: Format, asked: Filter, now: datetime
) -> UUID:
    """Put an export down to be made."""
    export_id = new_id()
    query = asked.model_dump_json(exclude_none=True)
    roles = sorted(asker.roles)
    await tx.raw.execute(
        _ASK, export_id, asker.subject, asker.division, roles, kind.value, query, now
    )
    return export_id


async def status(tx: Transaction, asker: Principal, export_id: UUID) -> dict[str, Any]:
    """How far an export of the caller's is. Raises ``NoSuchExport``."""
    row = await tx.raw.fetchrow(_STATUS, export_id, asker.subject)
    if row is None:
        raise NoSuchExport
    return {**dict(row), "query": orjson.loads(row["query"])}


async def content(database: Database, export_id: UUID) -> AsyncIterator[bytes]:
    """The file, part by part."""
    n = 0
    while True:
        async with database.reading() as tx:
            part = await tx.raw.fetchval(_PARTS, export_id, n)
        if part is None:
            return
        yield part
        n += 1


class Exporter:
    """Makes what was asked for, one after the other. Several may run; each takes its own."""

    def __init__(self, database: Database, publisher: Publisher, clock: Clock) -> None:
        self._database, self._publisher, self._clock = database, publisher, clock

    async def run(self, rest: float = 1.0) -> None:
        """Work until cancelled."""
        while True:
            if not await self.once():
                await asyncio.sleep(rest)

    async def once(self) -> bool:
        """Make the next one; whether there was one. What cannot be made says so itself."""
        job = await self._claim()
        if job is None:
            return False
        await self._publisher.publish()
        with tempfile.TemporaryDirectory(prefix="dixian-export-") as place:
            made = _Making(Path(place), job)
            await self._collect(job, made)
            try:
                archive = await asyncio.to_thread(made.archive, self._clock.now())
            except TooLong as error:
                await self._finish(job, 0, [], str(error))
            else:
                await self._finish(job, made.count, _parts(archive), None)
        return True

    async def _claim(self) -> Job | None:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            row = await tx.raw.fetchrow(_CLAIM, now, now + _CLAIMED)
        return None if row is None else _job(row)

    async def _finish(
        self, job: Job, rows: int, parts: Iterable[bytes], failure: str | None
    ) -> None:
        async with self._database.transaction() as tx:
            for n, part in enumerate(parts):
                await tx.raw.execute(_PART_INSERT, job.export_id, n, part)
            await tx.raw.execute(_FINISH, job.export_id, rows, self._clock.now(), failure)

    async def _collect(self, job: Job, made: "_Making") -> None:
        """Walk the filter page by page; every row with its proof, every page noted as read."""
        after: Place | None = None
        with made.open():
            while True:
                async with self._database.transaction() as tx:
                    page = await search(
                        tx.sql, job.filter, job.asker, after=after, limit=_PAGE, oldest_first=True
                    )
                    for item in page:
                        if await self._covered(tx, made, item):
                            await self._prove(tx, made, item)
                    await self._note(tx, job, page)
                    renewed = self._clock.now() + _CLAIMED
                    await tx.raw.execute(_PROGRESS, job.export_id, made.count, renewed)
                if len(page) < _PAGE:
                    return
                after = page[-1].place

    async def _covered(self, tx: Transaction, made: "_Making", item: Found) -> bool:
        """Whether the checkpoint of the item's log covers it; what came later is not in here."""
        if item.origin not in made.logs:
            source = await reader.log(tx.raw, item.origin)
            made.logs[item.origin] = source, await checkpoints.latest(tx.raw, source)
        return item.place.idx < made.logs[item.origin][1].size

    async def _prove(self, tx: Transaction, made: "_Making", item: Found) -> None:
        source, signed = made.logs[item.origin]
        index = item.place.idx
        [leaf] = await reader.leaves(tx.raw, source, index, index + 1)
        made.add(item, leaf, await reader.inclusion(tx.raw, source, index, signed.size))

    async def _note(self, tx: Transaction, job: Job, page: list[Found]) -> None:
        query = job.filter.model_dump(mode="json", exclude_none=True)
        reading = Reading(job.asker, "POST /exports", query, str(job.export_id))
        await access.record(tx, reading, page, self._clock.now())


@dataclass
class _Making:
    """The files of one export on their way."""

    place: Path
    job: Job
    count: int = 0
    logs: dict[str, tuple[Log, Signed]] = field(default_factory=dict)
    _rows: IO[bytes] | None = None
    _proofs: IO[bytes] | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        with (self.place / "rows").open("wb") as rows, (self.place / "proofs").open("wb") as proofs:
            self._rows, self._proofs = rows, proofs
            yield

    def add(self, item: Found, leaf: bytes, hashes: list[bytes]) -> None:
        assert self._rows is not None
        assert self._proofs is not None
        self._rows.write(orjson.dumps(item.as_json()) + b"\n")
        proof = {
            "log": item.origin,
            "index": item.place.idx,
            "leaf": leaf.decode(),
            "hashes": [base64.b64encode(value).decode() for value in hashes],
        }
        self._proofs.write(orjson.dumps(proof) + b"\n")
        self.count += 1

    def archive(self, now: datetime) -> Path:
        """Put the ZIP together: the rows in their format, proofs, checkpoints, manifest."""
        kind, logs = self.job.format, self._logs()
        name = f"entries.{kind.value}"
        asker, asked_at = self.job.asker.subject, self.job.asked_at
        told = sheet.Export(self._query(), asker, asked_at, now, self.count, logs)
        with (self.place / name).open("wb") as target, (self.place / "rows").open("rb") as rows:
            lines = (sheet.shown(kind, orjson.loads(row)) for row in rows)
            writing.write(kind, sheet.columns(kind), lines, target, told.book)
        (self.place / "proofs").rename(self.place / "proofs.jsonl")
        files = {name: self.place / name, "proofs.jsonl": self.place / "proofs.jsonl"}
        for origin, (_, signed) in self.logs.items():
            path = self.place / origin.replace("/", "_")
            path.write_bytes(signed.note)
            files[f"checkpoints/{path.name}"] = path
        manifest = self.place / "manifest.json"
        made = self._manifest(files, logs, now)
        manifest.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2))
        archive = self.place / "export.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as book:
            for inside, path in {manifest.name: manifest, **files}.items():
                path.chmod(_READABLE)
                book.write(path, inside)
        return archive

    def _query(self) -> dict[str, Any]:
        return self.job.filter.model_dump(mode="json", exclude_none=True)

    def _logs(self) -> dict[str, dict[str, Any]]:
        return {
            origin: {"size": signed.size, "root": signed.root.hex(), "vkey": signed.vkey}
            for origin, (_, signed) in self.logs.items()
        }

    def _manifest(
        self, files: dict[str, Path], logs: dict[str, dict[str, Any]], now: datetime
    ) -> dict[str, Any]:
        return {
            "format": "dixian-audit-export/1",
            "asked_by": self.job.asker.subject,
            "division": self.job.asker.division,
            "query": self._query(),
            "asked_at": self.job.asked_at,
            "made_at": now,
            "rows": self.count,
            "logs": logs,
            "sha256": {name: _digest(path) for name, path in files.items()},
        }


def _job(row: Any) -> Job:
    roles = frozenset(map(Role, row["actor_roles"]))
    return Job(
        export_id=row["export_id"],
        asker=Principal(row["actor"], roles, row["actor_division"]),
        format=Format(row["format"]),
        filter=Filter.model_validate_json(row["query"]),
        asked_at=row["asked_at"],
    )


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART):
            yield part


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(_PART):
            digest.update(block)
    return digest.hexdigest()
