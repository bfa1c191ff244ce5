"""Who may approve, what departments did together, and what was late: lists for those above."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from services.identification.http.access import OVERSEE, RowKey
from services.identification.read_models import oversight
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require

_ROWS: Cursors[RowKey] = Cursors(RowKey)

Listing = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]


class WhichLapses(BaseModel):
    """Which lapses."""

    mine: bool = False
    """Only those that the caller's own division was told of."""
    kind: Literal["LATE", "BACK_DATED", "WARNED", "MISSED"] | None = None


def register(made: Router, application: Application) -> None:
    """``GET /delegations``, ``/coordination``, ``/oversight/lapses``."""
    database = application.database
    for path, summary, listing in (
        ("/delegations", "Who may approve in the committee's place.", oversight.delegations),
        ("/coordination", "Joint meetings and mergings of policies.", oversight.coordinated),
    ):
        made.get(path, summary=summary, dependencies=[require(OVERSEE)])(
            _list(application, path, listing)
        )

    @made.get(
        "/oversight/lapses",
        summary="What is missed, was late or was entered late, and who was told.",
        dependencies=[require(OVERSEE)],
    )
    async def lapses(
        caller: Caller, page: Paged, which: Annotated[WhichLapses, Query()]
    ) -> Page[dict[str, Any]]:
        question = which.model_dump()
        after = _ROWS.after(page, question)
        async with database.reading() as tx:
            rows = await oversight.lapses(
                tx.sql,
                caller.division,
                mine=which.mine,
                kind=which.kind,
                after=after and after.id,
                limit=page.limit + 1,
            )
        shown = [dict(row) for row in rows]
        return _ROWS.cut(shown, page, question, lambda row: RowKey(row["case_id"]))


def _list(application: Application, path: str, listing: Listing) -> Any:
    async def listed(caller: Caller, page: Paged) -> Page[dict[str, Any]]:
        question = {"list": path}
        after = _ROWS.after(page, question)
        async with application.database.reading() as tx:
            rows = await listing(
                tx.sql, caller.division, after=after and after.id, limit=page.limit + 1
            )
        shown = [dict(row) for row in rows]
        return _ROWS.cut(shown, page, question, lambda row: RowKey(row["id"]))

    listed.__name__ = path.strip("/")
    return listed
