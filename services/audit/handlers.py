"""What a decision about a correction needs to know of the log, gathered for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg

from services.audit.domain import merkle
from services.audit.domain.commands import (
    ApproveAtProvince,
    ConfirmKey,
    EnrolKey,
    FileNationally,
    NoteExecution,
    NoteMovedTarget,
    RefuseCorrection,
    RequestCorrection,
    ReviewAtCity,
    RevokeKey,
)
from services.audit.domain.correction import CORRECTION, CorrectionContext
from services.audit.domain.known import DecidersKey, Logged, Seal
from services.audit.domain.signing_key import SIGNING_KEY, KeyContext
from services.audit.read_models import corrections, signing_keys
from shared.kernel.decider import Context
from shared.kernel.event import Command
from shared.store.application import Call, Handler, Outcome, on_stream
from shared.vault.ed25519 import verifies
from shared.vault.vault import Entry as VaultEntry
from shared.vault.vault import Vault

NOTE = "note"
"""The kind of the vault's records for words."""

Decision = ReviewAtCity | ApproveAtProvince | FileNationally | RefuseCorrection

_LEAF = """
select leaf from audit.entry where event_id = $1
"""


async def _about_the_request(command: RequestCorrection, call: Call) -> Context:
    return await _context(command, call, {target.stream_id for target in command.targets}, None)


def _about_the_gate(seal: Seal) -> Callable[[Decision, Call], Awaitable[Context]]:
    async def context(command: Decision, call: Call) -> Context:
        stream = await call.load(CORRECTION, command.correction_id)
        streams = {target.stream_id for target in stream.state.targets}
        last = stream.history[-1].event_id if stream.history else None
        known = await _context(command, call, streams, last)
        keys = [item.key_id for item in stream.state.decisions if item.key_id is not None]
        public_keys = await signing_keys.public_keys(call.tx.sql, keys)
        return replace(known, public_keys=public_keys, seal=seal)

    return context


async def _context(
    command: RequestCorrection | Decision,
    call: Call,
    streams: set[UUID],
    last: UUID | None,
) -> CorrectionContext:
    plain = call.context(command.occurred_on)
    opened = await corrections.open_targets(call.tx.sql, streams)
    return CorrectionContext(
        today=plain.today,
        occurred_on=plain.occurred_on,
        principal=plain.principal,
        streams=await corrections.known_streams(call.tx.sql, streams),
        open_elsewhere=frozenset(
            stream for stream, by in opened.items() if by != command.correction_id
        ),
        previous=None if last is None else await logged(call.tx.raw, last),
        key=await key_of(call),
        verify=verifies,
    )


async def key_of(call: Call) -> DecidersKey | None:
    """The active key of whoever acts: the person's own, whomever the person stands in for."""
    return await signing_keys.active(call.tx.sql, call.principal.subject)


async def _about_the_key(_command: EnrolKey, call: Call) -> Context:
    plain = call.context()
    return KeyContext(plain.today, plain.occurred_on, plain.principal, verify=verifies)


async def logged(raw: "asyncpg.Connection[Any]", event_id: UUID) -> Logged | None:
    """An event as it stands in the log; ``None`` while it does not."""
    leaf = await raw.fetchval(_LEAF, event_id)
    return None if leaf is None else Logged(event_id, merkle.leaf_hash(leaf).hex())


def handlers(vault: Vault, seal: Seal) -> Mapping[type[Command], Handler]:
    """The handler of every command. The words of a request go into the vault in its transaction.

    ``seal`` is the log's own signature, which an authorization goes out under.
    """
    about_the_gate = _about_the_gate(seal)
    request = on_stream(CORRECTION, lambda c: c.correction_id, _about_the_request)

    async def request_with_note(command: RequestCorrection, call: Call) -> Outcome:
        outcome = await request(command, call)
        note = VaultEntry(
            owner=command.correction_id,
            id=command.note_id,
            kind=NOTE,
            data=command.note.model_dump(),
        )
        await vault.put(call.tx.raw, [note], at=call.tx.clock.now())
        return outcome

    return {
        RequestCorrection: request_with_note,
        ReviewAtCity: on_stream(CORRECTION, lambda c: c.correction_id, about_the_gate),
        ApproveAtProvince: on_stream(CORRECTION, lambda c: c.correction_id, about_the_gate),
        FileNationally: on_stream(CORRECTION, lambda c: c.correction_id, about_the_gate),
        RefuseCorrection: on_stream(CORRECTION, lambda c: c.correction_id, about_the_gate),
        EnrolKey: on_stream(SIGNING_KEY, lambda c: c.key_id, _about_the_key),
        ConfirmKey: on_stream(SIGNING_KEY, lambda c: c.key_id),
        RevokeKey: on_stream(SIGNING_KEY, lambda c: c.key_id),
        NoteExecution: on_stream(CORRECTION, lambda c: c.correction_id),
        NoteMovedTarget: on_stream(CORRECTION, lambda c: c.correction_id),
    }
