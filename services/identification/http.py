"""The door: one POST a command, and the queries. What this service can do is listed at the end."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from services.identification.domain import commands
from services.identification.domain.procedure import IDENTIFICATION
from services.identification.read_models import lookups, queries
from services.identification.read_models.queries import QueueFilter, QueueKey
from services.identification.reveals import reveal
from shared.kernel.division import DivisionCode, Level
from shared.kernel.event import Command
from shared.kernel.principal import Permission, Role, may
from shared.policy.divisions import Divisions
from shared.policy.parameters import PolicyVersion
from shared.store.application import Application, Call
from shared.store.application import Receipt as Answer
from shared.store.idempotency import IdempotencyKey
from shared.vault.purposes import Purpose
from shared.vault.vault import Vault
from shared.web.auth import Caller
from shared.web.context import Ctx, RequestContext, etag
from shared.web.paging import Cursors, Page, Paged
from shared.web.routing import Router, public, require

LOOK: Permission = may(Role.OFFICER, Role.COMMITTEE, Role.PRINCIPAL, Role.INSPECTOR)
"""Who may look at cases and masked households, each in their own division."""
_REVEAL = may(Role.OFFICER, Role.COMMITTEE, Role.DEPARTMENT, Role.INSPECTOR)
_QUEUE: Cursors[QueueKey] = Cursors(QueueKey)


class HouseholdKey(NamedTuple):
    """The order of the register."""

    id: UUID


_HOUSEHOLDS: Cursors[HouseholdKey] = Cursors(HouseholdKey)


class Recorded(BaseModel):
    """One event of a receipt."""

    id: UUID
    type: str
    version: int
    occurred_on: date
    recorded_at: str
    data: dict[str, Any]


class Receipt(BaseModel):
    """What a command did."""

    id: UUID
    """The stream: the case, the household, the policy book."""
    version: int
    events: list[Recorded]


class RevealBody(BaseModel):
    """What to see in full, and why."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose
    records: Annotated[list[UUID], Field(min_length=1, max_length=31)]
    """Member ids, or the household's own id for its address and phone."""
    fields: Annotated[list[str], Field(min_length=1, max_length=10)]


def router(application: Application, *, vault: Vault, divisions: Divisions) -> Router:
    """All routes of the service."""
    made = Router(tags=["identification"])
    _register_commands(made, application)
    _register_queries(made, application, divisions)
    _register_households(made, application, vault, divisions)
    return made


# --- commands -------------------------------------------------------------------------------------

CASE_ACTS: Sequence[tuple[str, type[commands.CaseAct]]] = (
    ("officers", commands.NameOfficers),
    ("authorization", commands.SignAuthorization),
    ("authorization/revocation", commands.RevokeAuthorization),
    ("verification", commands.VerifyHousehold),
    ("comparison", commands.CompareData),
    ("comparison-exemption", commands.ExemptComparison),
    ("deliberation", commands.Deliberate),
    ("town-review", commands.ReviewTown),
    ("notice", commands.PostNotice),
    ("objections", commands.RaiseObjection),
    ("objections/answer", commands.AnswerObjection),
    ("notice/close", commands.CloseNotice),
    ("approval", commands.Approve),
    ("refusal", commands.DeclineIdentification),
    ("announcement", commands.Announce),
    ("national-entry", commands.RecordNationalEntry),
    ("telling", commands.TellHousehold),
    ("follow-up", commands.FollowUp),
    ("green-channel/confirmation", commands.ConfirmGreenChannel),
    ("green-channel/entry", commands.EnterGreenChannel),
    ("green-channel/verification", commands.VerifyGreenChannel),
    ("green-channel/exit", commands.ExitGreenChannel),
)
"""``POST /cases/{case_id}/<path>`` for each act on a case."""


def _register_commands(made: Router, application: Application) -> None:
    for path, command in CASE_ACTS:
        made.post(
            f"/cases/{{case_id}}/{path}",
            summary=_summary(command),
            response_model=Receipt,
            dependencies=[require(command.permission)],
        )(_case_endpoint(application, command))

    @made.post(
        "/households",
        summary=_summary(commands.RegisterHousehold),
        status_code=201,
        response_model=Receipt,
        dependencies=[require(commands.RegisterHousehold.permission)],
    )
    async def register_household(body: commands.RegisterHousehold, ctx: Ctx) -> Response:
        return await _execute(application, body, ctx, status=201)

    @made.post(
        "/policy",
        summary=_summary(commands.PublishPolicy),
        status_code=201,
        response_model=Receipt,
        dependencies=[require(commands.PublishPolicy.permission)],
    )
    async def publish_policy(body: commands.PublishPolicy, ctx: Ctx) -> Response:
        return await _execute(application, body, ctx, status=201)


def _case_endpoint(application: Application, command: type[commands.CaseAct]) -> Any:
    async def endpoint(case_id: UUID, body: Any, ctx: Ctx) -> Response:
        act = command.model_validate({**_given(body), "case_id": case_id})
        return await _execute(application, act, ctx)

    endpoint.__name__ = command.__name__
    endpoint.__annotations__["body"] = _body_of(command)
    return endpoint


def _body_of(command: type[commands.CaseAct]) -> type[BaseModel]:
    """The command without its case, which stands in the path."""
    fields: Any = {
        name: (info.annotation, info)
        for name, info in command.model_fields.items()
        if name != "case_id"
    }
    made: type[BaseModel] = create_model(
        f"{command.__name__}Body",
        __config__=ConfigDict(extra="forbid"),
        __doc__=command.__doc__,
        **fields,
    )
    return made


def _given(body: BaseModel) -> Mapping[str, Any]:
    """The fields that were sent, as the models they are."""
    return {name: getattr(body, name) for name in body.model_fields_set}


async def _execute(
    application: Application, command: Command, ctx: RequestContext, *, status: int = 200
) -> Response:
    key = None
    if ctx.idempotency_key is not None:
        key = IdempotencyKey(ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint)
    answer = await application.execute(
        command, ctx.principal, ctx.cause, expected_version=ctx.expected_version, key=key
    )
    return _answered(answer, status)


def _answered(answer: Answer, status: int) -> Response:
    headers = {"ETag": etag(answer.body["version"])}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(answer.body, status_code=status, headers=headers)


def _summary(command: type[Command]) -> str:
    return (command.__doc__ or "").partition("\n")[0]


# --- queries --------------------------------------------------------------------------------------


class QueueQuery(BaseModel):
    """What of the queue to show."""

    step: Annotated[str, StringConstraints(max_length=40)] | None = None
    level: Literal["mine", "all", "VILLAGE", "TOWN", "COUNTY"] = "mine"
    """Whose turn it is; ``mine`` is the caller's own level, and anybody's above the county."""
    overdue: bool = False
    waiting: bool = False
    """Also what can only be done later."""


def _register_queries(made: Router, application: Application, divisions: Divisions) -> None:
    database = application.database

    @made.get("/cases", summary="The work queue.", dependencies=[require(LOOK)])
    async def queue(
        caller: Caller, page: Paged, asked: Annotated[QueueQuery, Query()]
    ) -> Page[dict[str, Any]]:
        question = asked.model_dump()
        wanted = QueueFilter(
            step=asked.step,
            level=_turn(asked.level, caller.level),
            overdue=asked.overdue,
            waiting=asked.waiting,
        )
        async with database.reading() as tx:
            rows = await queries.queue(
                tx.sql,
                caller,
                wanted,
                today=tx.clock.today(),
                after=_QUEUE.after(page, question),
                limit=page.limit + 1,
            )
        return _QUEUE.cut([dict(row) for row in rows], page, question, _queue_key)

    @made.get("/cases/{case_id}", summary="A case's track.", dependencies=[require(LOOK)])
    async def case(case_id: UUID, caller: Caller) -> dict[str, Any]:
        async with database.reading() as tx:
            return dict(await queries.track(tx, caller, case_id))

    @made.get("/policy", summary="The policy in force.", dependencies=[require(LOOK)])
    async def policy(division: DivisionCode, on: date | None = None) -> PolicyVersion:
        divisions.require(division, field="division")
        async with database.reading() as tx:
            return await lookups.policy_for(tx.sql, division, on or tx.clock.today())

    @made.get("/procedure", summary="The procedure as data.", dependencies=[public()])
    async def procedure() -> dict[str, Any]:
        return _PROCEDURE


def _turn(level: str, own: Level) -> Level | None:
    if level == "mine":
        return own if own <= Level.COUNTY else None
    return None if level == "all" else Level[level]


def _queue_key(row: Mapping[str, Any]) -> QueueKey:
    return QueueKey(
        priority=row["priority"],
        due_on=row["due_on"] or date.max,
        case_id=row["case_id"],
        step=row["step"],
        level=int(Level[row["level"]]),
    )


_PROCEDURE: dict[str, Any] = {
    "name": IDENTIFICATION.name,
    "rule": IDENTIFICATION.rule,
    "steps": [
        {
            "name": step.name,
            "label": step.label[0],
            "label_en": step.label[1],
            "levels": [level.name for level in step.levels],
            "command": step.command.__name__,
            "events": [event.__name__ for event in step.done_by],
            "needs": list(step.needs),
            "clock": step.clock,
            "rule": step.rule,
        }
        for step in IDENTIFICATION.steps
    ],
    "mermaid": IDENTIFICATION.mermaid(),
}


# --- households -----------------------------------------------------------------------------------


def _register_households(
    made: Router, application: Application, vault: Vault, divisions: Divisions
) -> None:
    database = application.database

    @made.get("/households", summary="The register, by id.", dependencies=[require(LOOK)])
    async def households(caller: Caller, page: Paged) -> Page[dict[str, Any]]:
        after = _HOUSEHOLDS.after(page, {})
        async with database.reading() as tx:
            rows = await queries.household_rows(
                tx.sql, caller, after=after.id if after else None, limit=page.limit + 1
            )
        shown = [_household(row, divisions) for row in rows]
        return _HOUSEHOLDS.cut(shown, page, {}, lambda row: HouseholdKey(row["id"]))

    @made.get(
        "/households/{household_id}",
        summary="A household, its people masked.",
        dependencies=[require(LOOK)],
    )
    async def household(household_id: UUID, caller: Caller) -> dict[str, Any]:
        async with database.reading() as tx:
            row = await queries.household_row(tx.sql, caller, household_id)
            people = await vault.masked_of(tx.raw, household_id, "member")
            home = await vault.masked_of(tx.raw, household_id, "household")
            cases = await queries.cases_of(tx.sql, household_id)
        shown = _household(row, divisions)
        for member in shown["members"]:
            member["person"] = people.get(UUID(member["member_id"]))
        return {**shown, "home": home.get(household_id), "cases": cases}

    @made.post(
        "/households/{household_id}/reveal",
        summary="Personal data in full, for a purpose; recorded.",
        dependencies=[require(_REVEAL)],
    )
    async def reveal_household(household_id: UUID, body: RevealBody, ctx: Ctx) -> dict[str, Any]:
        async with database.transaction() as tx:
            call = Call(application, tx, ctx.principal, ctx.cause)
            row = await queries.household_row(tx.sql, ctx.principal, household_id)
            revealed = await reveal(
                vault,
                call,
                household_id=household_id,
                division=row["division"],
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
    }
