"""What a neighbour does when a household's personal data was destroyed: destroy its own part."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

from shared.kernel.event import Cause, Recorded
from shared.policy.rules import rule
from shared.store.database import Transaction
from shared.vault.vault import Connection, Vault

Owners = Callable[[Connection, UUID], Awaitable[Collection[UUID]]]
"""Whose keys seal what a service keeps of a household's people."""


async def of_the_household(_connection: Connection, household_id: UUID) -> Collection[UUID]:
    """The household itself: all that a service keeps is under its own key."""
    return (household_id,)


def erasing(
    vault: Vault, owners: Owners = of_the_household
) -> Callable[[Transaction, Recorded[Any], Cause], Awaitable[None]]:
    """The reaction to ``PersonalDataErased``. Repeating it changes nothing."""

    @rule("R107", "R108")
    async def erased(tx: Transaction, recorded: Recorded[Any], _cause: Cause) -> None:
        found = await owners(tx.raw, recorded.event.household_id)
        await vault.forget(tx.raw, found, at=tx.clock.now())

    return erased
