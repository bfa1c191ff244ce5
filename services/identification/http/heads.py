"""How lists name households: the head's masked name and how many they are."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from services.identification.http.access import LOOK
from services.identification.read_models import queries
from shared.kernel.principal import Role, may
from shared.store.application import Application
from shared.vault.vault import Vault
from shared.web.auth import Caller
from shared.web.routing import Router, require

_NAMED = may(*LOOK.roles, Role.DEPARTMENT)


class Head(BaseModel):
    """A household as a list names it."""

    name: str | None
    """The head's, masked; nothing once the household's key was shredded."""
    number: str | None
    """The head's document number, masked: families of one name are told apart by its end."""
    members: int


def register(made: Router, application: Application, vault: Vault) -> None:
    """``GET /household-heads``."""
    database = application.database

    @made.get(
        "/household-heads",
        summary="Heads of households, masked; those outside the caller's division are absent.",
        dependencies=[require(_NAMED)],
    )
    async def heads(
        caller: Caller, ids: Annotated[list[UUID], Query(alias="id", min_length=1, max_length=200)]
    ) -> dict[UUID, Head]:
        async with database.reading() as tx:
            found = await queries.heads(tx.sql, caller, ids)
            people = await vault.masked(tx.raw, [item.member_id for item in found.values()])
        return {
            household_id: _head(people.get(item.member_id) or {}, item.members)
            for household_id, item in found.items()
        }


def _head(person: Mapping[str, Any], members: int) -> Head:
    name, number = person.get("name"), person.get("document_number")
    return Head(name=name, number=number, members=members)
