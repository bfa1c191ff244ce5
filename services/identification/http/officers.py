"""Who works in a village or town, to choose from: pseudonyms and places, no names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from services.identification.http.access import LOOK
from services.identification.read_models import lookups
from shared.kernel.division import DivisionCode, within
from shared.kernel.refusal import Forbidden
from shared.store.application import Application
from shared.web.auth import Caller
from shared.web.routing import Router, require


class Known(BaseModel):
    """Somebody who works there."""

    subject: str
    division: str
    known_at: datetime
    """When they first came in at that post."""


def register(made: Router, application: Application) -> None:
    """``GET /officers``."""
    database = application.database

    @made.get(
        "/officers",
        summary="The officers of a village or town who have come in, at that very place.",
        dependencies=[require(LOOK)],
    )
    async def officers(
        caller: Caller,
        divisions: Annotated[list[DivisionCode], Query(alias="division", min_length=1)],
    ) -> Sequence[Known]:
        if not all(within(division, caller.division) for division in divisions):
            raise Forbidden("该区划不在您的辖区内", "the division is outside your own")
        async with database.reading() as tx:
            rows = await lookups.officers(tx.sql, divisions)
        return [Known(**row) for row in rows]
