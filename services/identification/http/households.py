"""The register: a household masked, and in full for a purpose."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.identification.domain.scope import is_rural_low_income
from services.identification.http.access import LOOK, REVEALING
from services.identification.read_models import queries
from services.identification.reveals import REVEAL
from shared.contracts.identification import Member
from shared.kernel.division import DivisionCode
from shared.policy.divisions import Divisions
from shared.policy.purposes import Purpose
from shared.store.application import Application, Call
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import parse_document
from shared.vault.reveals import reveal
from shared.vault.vault import Vault
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, require


class HouseholdKey(NamedTuple):
    """The order of the register."""

    id: UUID


_HOUSEHOLDS: Cursors[HouseholdKey] = Cursors(HouseholdKey)


class RevealBody(BaseModel):
    """What to see in full, and why."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose
    records: Annotated[list[UUID], Field(min_length=1, max_length=62)]
    """Member ids, their ``details_id``, or the ``home_id`` for address and phone."""
    fields: Annotated[list[str], Field(min_length=1, max_length=20)]


class Wanted(BaseModel):
    """Whose household is looked for: in a body, since a number belongs in no address."""

    model_config = ConfigDict(extra="forbid")

    document_number: Annotated[str, Field(min_length=1, max_length=40)]


def register(
    made: Router,
    application: Application,
    vault: Vault,
    index: BlindIndex,
    divisions: Divisions,
) -> None:
    """The queries, and ``POST /households/{household_id}/reveal``."""
    database = application.database

    @made.get("/households", summary="The register, by id.", dependencies=[require(LOOK)])
    async def households(
        caller: Caller, page: Paged, division: DivisionCode | None = None
    ) -> Page[dict[str, Any]]:
        asked = {"division": division}
        after = _HOUSEHOLDS.after(page, asked)
        async with database.reading() as tx:
            rows = await queries.household_rows(
                tx.sql,
                caller,
                division=division or caller.division,
                after=after.id if after else None,
                limit=page.limit + 1,
            )
        shown = [_household(row, divisions) for row in rows]
        return _HOUSEHOLDS.cut(shown, page, asked, lambda row: HouseholdKey(row["id"]))

    @made.post(
        "/households/search",
        summary="The household that somebody belongs to, by the whole document number.",
        dependencies=[require(LOOK)],
    )
    async def search(caller: Caller, body: Wanted) -> dict[str, list[dict[str, Any]]]:
        tokens = [token.hex() for token in index.tokens(parse_document(body.document_number))]
        async with database.reading() as tx:
            rows = await queries.households_holding(tx.sql, caller, tokens)
        return {"items": [_household(row, divisions) for row in rows]}

    @made.get(
        "/households/{household_id}",
        summary="A household, its people masked.",
        dependencies=[require(LOOK)],
    )
    async def household(household_id: UUID, caller: Caller) -> dict[str, Any]:
        async with database.reading() as tx:
            row = await queries.household_row(tx.sql, caller, household_id)
            shown = _household(row, divisions)
            kept = await vault.masked(tx.raw, _records(shown))
            cases = await queries.cases_of(tx.sql, household_id)
        members = [Member.model_validate(member) for member in shown["members"]]
        monitored = any(case["status"] == "IDENTIFIED" for case in cases)
        for member in shown["members"]:
            member["person"] = kept.get(UUID(member["member_id"]))
            details_id = member.get("details_id")
            member["details"] = kept.get(UUID(details_id)) if details_id else None
        return {
            **shown,
            "home": kept.get(shown["home_id"]),
            "cases": cases,
            "monitored": monitored,
            "rural_low_income": is_rural_low_income(members, monitored=monitored),
        }

    @made.post(
        "/households/{household_id}/reveal",
        summary="Personal data in full, for a purpose; recorded.",
        dependencies=[require(REVEALING)],
    )
    async def reveal_household(household_id: UUID, body: RevealBody, ctx: Ctx) -> dict[str, Any]:
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            row = await queries.household_row(tx.sql, ctx.principal, household_id)
            revealed = await reveal(
                vault,
                call,
                REVEAL,
                owner=household_id,
                divisions=(row["division"],),
                records=body.records,
                fields=body.fields,
                purpose=body.purpose,
            )
        application.appended(call.recorded)
        return {
            "reveal_id": revealed.record.id,
            "data": {str(id_): dict(data) for id_, data in revealed.data.items()},
        }


def _household(row: Mapping[str, Any], divisions: Divisions) -> dict[str, Any]:
    return {
        "id": row["stream_id"],
        "version": row["version"],
        "division": row["division"],
        "place": divisions.path(row["division"]),
        "residence": row["residence"],
        "hukou_place": row["hukou_place"],
        "history": row["history"],
        "relocated": row["relocated"],
        "moved_from": row["moved_from"],
        "members": row["members"],
        "home_id": row["home_id"] or row["stream_id"],
        "absorbed_into": row["absorbed_into"],
    }


def _records(shown: Mapping[str, Any]) -> list[UUID]:
    """The vault's records of a household as it is now."""
    ids = [shown["home_id"]]
    for member in shown["members"]:
        ids += [UUID(id_) for id_ in (member["member_id"], member.get("details_id")) if id_]
    return ids
