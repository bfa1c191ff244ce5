"""Where a hotline hears how its orders go on: an address of its own and a signing secret. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.alerts import (
    WebhookMoved,
    WebhookRegistered,
    WebhookRemoved,
    WebhookReplayed,
    WebhookSecretRotated,
)
from shared.kernel.decider import Aggregate, Context
from shared.kernel.event import Command, Event
from shared.kernel.principal import Permission, Role, may
from shared.kernel.refusal import Forbidden, Invalid, NotFound, OutOfOrder

KEEPS: Permission = may(Role.HOTLINE, Role.ADMINISTRATOR)
"""A hotline keeps its own webhooks; an administrator those of the own division."""
REPLAYS: Permission = may(Role.HOTLINE, Role.ADMINISTRATOR, Role.OPERATOR)

_NOBODY = UUID(int=0)

Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=500)]
"""Where to post; what it may be is decided by the installation's settings."""


class NewWebhook(BaseModel):
    """An address for the progress of orders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Url
    machine_id: UUID | None = None
    """Whose it is, where an administrator registers it; a hotline registers its own."""


class RegisterWebhook(NewWebhook, Command):
    """Name an address; the answer shows its signing secret, once."""

    permission: ClassVar[Permission] = KEEPS

    webhook_id: UUID
    secret: Annotated[str, Field(repr=False)]


class MoveWebhook(Command):
    """Give it another address; what waits goes there."""

    permission: ClassVar[Permission] = KEEPS

    webhook_id: UUID
    url: Url


class NewSecret(BaseModel):
    """Another signing secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24
    """Hours for which the former secret signs beside the new one."""


class RotateWebhookSecret(NewSecret, Command):
    """Give it another signing secret; the answer shows it, once."""

    permission: ClassVar[Permission] = KEEPS

    webhook_id: UUID
    secret: Annotated[str, Field(repr=False)]


class RemoveWebhook(Command):
    """Send nothing there any more."""

    permission: ClassVar[Permission] = KEEPS

    webhook_id: UUID


class ReplayWebhook(Command):
    """Deliver again: one, all queued since a time, or (without either) all that are dead."""

    permission: ClassVar[Permission] = REPLAYS

    webhook_id: UUID
    delivery: UUID | None = None
    since: AwareDatetime | None = None


@dataclass(frozen=True)
class WebhookContext(Context):
    """Whose a new webhook is. Secrets go by real time, whatever a demo's calendar says."""

    now: datetime = field(kw_only=True)
    owner: str = ""
    division: str = ""


@dataclass(frozen=True)
class Webhook:
    """One address."""

    webhook_id: UUID = _NOBODY
    owner: str = ""
    division: str = ""
    host: str = ""
    removed: bool = False

    @property
    def exists(self) -> bool:
        """Whether it was ever registered."""
        return bool(self.owner)


def decide(webhook: Webhook, command: Command, context: WebhookContext) -> list[Event]:
    """The webhook's next events, or the ``Refusal``."""
    if not isinstance(command, RegisterWebhook):
        is_the_callers(webhook, context)
        is_kept(webhook)
    return _DECIDE[type(command)](webhook, command, context)


def _register(webhook: Webhook, command: RegisterWebhook, context: WebhookContext) -> list[Event]:
    if webhook.exists:
        raise OutOfOrder(
            code="webhook-known-already", zh="该回调地址已登记", en="it is registered already"
        )
    return [
        WebhookRegistered(
            webhook_id=command.webhook_id,
            owner=context.owner,
            division=context.division,
            host=host_of(command.url),
        )
    ]


def _move(_webhook: Webhook, command: MoveWebhook, _context: WebhookContext) -> list[Event]:
    return [WebhookMoved(webhook_id=command.webhook_id, host=host_of(command.url))]


def _rotate(
    _webhook: Webhook, command: RotateWebhookSecret, context: WebhookContext
) -> list[Event]:
    ends = context.now + timedelta(hours=command.overlap_hours)
    return [WebhookSecretRotated(webhook_id=command.webhook_id, former_end_at=ends)]


def _remove(_webhook: Webhook, command: RemoveWebhook, _context: WebhookContext) -> list[Event]:
    return [WebhookRemoved(webhook_id=command.webhook_id)]


def _replay(_webhook: Webhook, command: ReplayWebhook, _context: WebhookContext) -> list[Event]:
    if command.delivery is not None and command.since is not None:
        raise Invalid(
            code="one-or-all-since",
            zh="请指定一条投递或起始时间,不能同时指定",
            en="name one delivery or a time, not both",
            field="since",
        )
    return [
        WebhookReplayed(
            webhook_id=command.webhook_id, delivery_id=command.delivery, since=command.since
        )
    ]


def host_of(url: str) -> str:
    """Host and port of an address, nothing that could be a secret."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def is_the_callers(webhook: Webhook, context: Context) -> None:
    """Another hotline's webhook is none at all."""
    caller = context.principal
    own = Role.HOTLINE not in caller.roles or caller.subject == webhook.owner
    if not webhook.exists or not own:
        raise NotFound("回调地址", "webhook")


def is_kept(webhook: Webhook) -> None:
    """One that was removed is registered anew, with a new secret."""
    if webhook.removed:
        raise OutOfOrder(code="webhook-removed", zh="该回调地址已停用", en="it was removed")


def whose(machine_id: UUID | None, machine_division: str | None, context: Context) -> str:
    """Whose a new webhook is: the hotline's that asks, or the one an administrator names."""
    if Role.HOTLINE in context.principal.roles:
        if machine_id is not None:
            raise Forbidden("热线平台只登记自己的回调地址", "a hotline registers its own webhooks")
        return context.principal.subject
    if machine_id is None or machine_division is None:
        raise NotFound("热线平台", "hotline", field="machine_id")
    return f"machine:{machine_id}"


_DECIDE: Mapping[type[Command], Callable[[Webhook, Any, WebhookContext], list[Event]]] = {
    RegisterWebhook: _register,
    MoveWebhook: _move,
    RotateWebhookSecret: _rotate,
    RemoveWebhook: _remove,
    ReplayWebhook: _replay,
}


def evolve(webhook: Webhook, event: Event) -> Webhook:
    """The webhook after ``event``."""
    match event:
        case WebhookRegistered():
            return Webhook(event.webhook_id, event.owner, event.division, event.host)
        case WebhookMoved():
            return replace(webhook, host=event.host)
        case WebhookRemoved():
            return replace(webhook, removed=True)
    return webhook


WEBHOOK: Aggregate[Webhook] = Aggregate(
    name="webhook",
    label=("回调地址", "webhook"),
    initial=Webhook(),
    evolve=evolve,
    decide=decide,
    divisions=lambda webhook: (webhook.division,),
    key=lambda webhook: webhook.webhook_id,
)
