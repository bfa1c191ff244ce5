"""Reading notes: minutes, objections, reasons; always for a purpose, always recorded."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.assistance.reveals import read_notes
from shared.kernel.principal import Role, may
from shared.policy.purposes import Purpose
from shared.store.application import Application, Call
from shared.vault.vault import Vault
from shared.web.context import Ctx
from shared.web.routing import Router, require

_READ = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.DEPARTMENT, Role.INSPECTOR)


class NotesAsked(BaseModel):
    """Which notes, and why."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose
    notes: Annotated[list[UUID], Field(min_length=1, max_length=20)]


def note_door(made: Router, application: Application, vault: Vault) -> None:
    """``POST /plans/{plan_id}/notes/reveal``."""

    @made.post(
        "/plans/{plan_id}/notes/reveal",
        dependencies=[require(_READ)],
        name="reveal_notes",
        summary="Notes about a household in full, for a purpose; recorded",
    )
    async def reveal(plan_id: UUID, body: NotesAsked, ctx: Ctx) -> dict[UUID, str]:
        async with application.database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            shown = await read_notes(
                vault, call, plan_id=plan_id, notes=body.notes, purpose=body.purpose
            )
        application.appended(call.recorded)
        return dict(shown)
