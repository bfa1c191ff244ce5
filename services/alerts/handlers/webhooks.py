"""Webhooks: the event, and in the same transaction the address, the secrets, the deliveries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.alerts.domain.machine import MACHINE
from services.alerts.domain.webhook import (
    WEBHOOK,
    MoveWebhook,
    RegisterWebhook,
    RemoveWebhook,
    ReplayWebhook,
    RotateWebhookSecret,
    WebhookContext,
    whose,
)
from services.alerts.read_models import deliveries
from shared.contracts.alerts import MachineKind, WebhookSecretRotated
from shared.kernel.event import Command
from shared.kernel.principal import Role
from shared.kernel.refusal import NotFound
from shared.store.application import Call, Handler, Outcome
from shared.vault.vault import SECRET, Entry, Vault
from shared.web.outbound import Guard


@dataclass(frozen=True)
class Target:
    """Where a webhook goes, and what signs it."""

    url: str
    secrets: tuple[tuple[str, datetime | None], ...]
    """Each with its end, the newest first."""

    def signing(self, now: datetime) -> list[str]:
        """The secrets in force at ``now``."""
        return [secret for secret, ends in self.secrets if ends is None or now < ends]

    def with_url(self, url: str) -> "Target":
        """The same secrets, another address."""
        return Target(url, self.secrets)

    def with_secret(self, secret: str, former_end_at: datetime) -> "Target":
        """A new secret; the former ones end then, or when they would have."""
        former = tuple(
            (old, min(ends or former_end_at, former_end_at)) for old, ends in self.secrets
        )
        return Target(self.url, ((secret, None), *former))


async def target(vault: Vault, connection: Any, webhook_id: UUID) -> Target | None:
    """Where a webhook goes now; ``None`` when that was destroyed."""
    found = (await vault.secrets(connection, [webhook_id])).get(webhook_id)
    if found is None:
        return None
    secrets = [
        (secret, datetime.fromisoformat(ends) if ends else None)
        for secret, ends in found["secrets"]
    ]
    return Target(found["url"], tuple(secrets))


class Webhooks:
    """The handlers."""

    def __init__(
        self,
        vault: Vault,
        guard: Guard,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._vault, self._guard, self._now = vault, guard, now

    def by_command(self) -> Mapping[type[Command], Handler]:
        """Which handler each command has."""
        return {
            RegisterWebhook: self.register,
            MoveWebhook: self.move,
            RotateWebhookSecret: self.rotate,
            RemoveWebhook: self.remove,
            ReplayWebhook: self.replay,
        }

    async def register(self, command: RegisterWebhook, call: Call) -> Outcome:
        """Name an address."""
        self._guard.must_allow(command.url)
        context = await self._whose(command, call)
        outcome = await call.decide(WEBHOOK, command.webhook_id, command, context)
        made = Target(command.url, ((command.secret, None),))
        await self._keep(call, command.webhook_id, made)
        return outcome

    async def move(self, command: MoveWebhook, call: Call) -> Outcome:
        """Another address; what waits goes there at once."""
        self._guard.must_allow(command.url)
        outcome = await self._decide(command.webhook_id, command, call)
        known = await self._known(call, command.webhook_id)
        await self._keep(call, command.webhook_id, known.with_url(command.url))
        return outcome

    async def rotate(self, command: RotateWebhookSecret, call: Call) -> Outcome:
        """Another secret; the former one signs beside it for a while."""
        outcome = await self._decide(command.webhook_id, command, call)
        known = await self._known(call, command.webhook_id)
        rotated = outcome.events[-1].event
        assert isinstance(rotated, WebhookSecretRotated)
        made = known.with_secret(command.secret, rotated.former_end_at)
        await self._keep(call, command.webhook_id, made)
        return outcome

    async def remove(self, command: RemoveWebhook, call: Call) -> Outcome:
        """Nothing goes there any more; what waits is dead."""
        outcome = await self._decide(command.webhook_id, command, call)
        await deliveries.give_up(call.tx.raw, command.webhook_id)
        return outcome

    async def replay(self, command: ReplayWebhook, call: Call) -> Outcome:
        """Deliver again."""
        outcome = await self._decide(command.webhook_id, command, call)
        if command.delivery is not None and not await deliveries.exists(
            call.tx.raw, command.webhook_id, command.delivery
        ):
            raise NotFound("投递记录", "delivery", field="delivery")
        await deliveries.again(
            call.tx.raw,
            command.webhook_id,
            self._now(),
            one=command.delivery,
            since=command.since,
        )
        return outcome

    async def _decide(self, webhook_id: UUID, command: Command, call: Call) -> Outcome:
        return await call.decide(WEBHOOK, webhook_id, command, self._context(call))

    async def _whose(self, command: RegisterWebhook, call: Call) -> WebhookContext:
        division: str | None = None
        if command.machine_id is not None:
            machine = (await call.load(MACHINE, command.machine_id)).state.registered
            if machine is not None and machine.kind is MachineKind.HOTLINE:
                division = machine.division
        context = self._context(call)
        owner = whose(command.machine_id, division, context)
        if Role.HOTLINE in call.principal.roles:
            division = call.principal.division
        return self._context(call, owner=owner, division=division or "")

    def _context(self, call: Call, *, owner: str = "", division: str = "") -> WebhookContext:
        plain = call.context()
        return WebhookContext(
            plain.today,
            plain.occurred_on,
            plain.principal,
            now=self._now(),
            owner=owner,
            division=division,
        )

    async def _known(self, call: Call, webhook_id: UUID) -> Target:
        known = await target(self._vault, call.tx.raw, webhook_id)
        if known is None:
            raise NotFound("回调地址", "webhook")
        return known

    async def _keep(self, call: Call, webhook_id: UUID, made: Target) -> None:
        secrets = [(secret, ends and ends.isoformat()) for secret, ends in made.secrets]
        entry = Entry(webhook_id, webhook_id, SECRET, {"url": made.url, "secrets": secrets})
        await self._vault.put(call.tx.raw, [entry], at=self._now())
