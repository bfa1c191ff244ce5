"""The register's commands: people into the vault, tokens into the index, codes into events."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from services.identification.domain import commands
from services.identification.domain.collection import Details, PersonGiven
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Move, Registration, Revision
from services.identification.domain.policy_book import POLICY_BOOK, Publication, book_id
from services.identification.domain.register_commands import (
    MoveHousehold,
    RegisterHousehold,
    ReviseHousehold,
)
from services.identification.read_models import lookups
from services.identification.read_models.views import registered_elsewhere
from shared.contracts.identification import IndexToken
from shared.kernel.division import Level
from shared.kernel.event import Command
from shared.kernel.ids import new_id
from shared.kernel.refusal import Invalid, Refusal
from shared.policy.divisions import Divisions
from shared.store.application import Call, Handler, Outcome
from shared.store.bulk import Begun
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import Document, parse_document
from shared.vault.vault import Entry, Vault

HOME = ("address", "phone", "national_number", "relocation_site")
"""What the vault keeps of a home, as the commands name it."""
_TURN = 10
"""Households of a file that are drafted before others get their turn."""


@dataclass(frozen=True)
class _Identified:
    """A person's document and its tokens by every index key in use."""

    document: Document
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class _Prepared:
    """A household on its way into the register."""

    context: Registration
    entries: Sequence[Entry]


@dataclass(frozen=True)
class RegisterHandlers:
    """The handlers of the register and of the policy book."""

    vault: Vault
    index: BlindIndex
    divisions: Divisions

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {
            RegisterHousehold: self.register,
            ReviseHousehold: self.revise,
            MoveHousehold: self.move,
            commands.PublishPolicy: self.publish,
        }

    async def register(self, command: RegisterHousehold, call: Call) -> Outcome:
        """A new household: checked against the divisions and against everybody registered."""
        people = self._checked(command)
        await self._must_be_new(people, call)
        made = self._prepared(command, people, call)
        await self.vault.put(call.tx.raw, made.entries, at=call.tx.clock.now())
        return await call.decide(HOUSEHOLD, made.context.household_id, command, made.context)

    async def register_many(
        self, commands: Sequence[RegisterHousehold], call: Call, begun: Begun
    ) -> Sequence[UUID | Refusal]:
        """A file's households: each as if it came by itself, everybody looked up at once.

        That two of them have a person in common is the file's to see, or the index's of the store.
        """
        checked = [self._checked_or_refused(command) for command in commands]
        taken = await self._registered(
            [item for item in checked if not isinstance(item, Refusal)], call
        )
        entries: list[Entry] = []
        answers: list[UUID | Refusal] = []
        for number, (command, people) in enumerate(zip(commands, checked, strict=True)):
            if number % _TURN == 0:
                await asyncio.sleep(0)  # others' requests are answered meanwhile
            try:
                if isinstance(people, Refusal):
                    raise people
                if any(not taken.isdisjoint(item.tokens) for item in people):
                    raise registered_elsewhere()
                made = self._prepared(command, people, call)
                id_ = made.context.household_id
                call.draft(begun, HOUSEHOLD, id_, command, made.context)
            except Refusal as refusal:
                answers.append(refusal)
            else:
                entries += made.entries
                answers.append(id_)
        await self.vault.put(call.tx.raw, entries, at=call.tx.clock.now())
        return answers

    async def revise(self, command: ReviseHousehold, call: Call) -> Outcome:
        """Who came goes into the vault; who went stays there, under the household's key.

        What changes about a person or the home is a record of its own: a correction goes back to
        the former one.
        """
        self._hukou_places_exist(command.added, "added")
        people = self._identified(_documents(command.added, "added"))
        await self._must_be_new(people, call)
        member_ids = tuple(new_id() for _ in command.added)
        said = {item.member_id: item.details for item in command.details}
        plain = call.context(command.occurred_on)
        context = Revision(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            member_ids=member_ids,
            key_id=str(self.index.version),
            tokens=_tokens(member_ids, people),
            details={
                **_new_details(member_ids, command.added),
                **{member_id: new_id() for member_id in said},
            },
            home_id=new_id() if _home(command) else None,
        )
        before = (await call.load(HOUSEHOLD, command.household_id)).state
        outcome = await call.decide(HOUSEHOLD, command.household_id, command, context)
        # After the decision: a household that is not there has no key, and gets none.
        said |= _said(member_ids, command.added)
        entries = [
            *_people(command.household_id, member_ids, command.added, people),
            *_detailed(command.household_id, context.details, said),
        ]
        await self.vault.put(call.tx.raw, entries, at=call.tx.clock.now())
        if context.home_id is not None:
            await self.vault.copy(
                call.tx.raw,
                {before.home_id: context.home_id},
                owner=command.household_id,
                changes={before.home_id: _home(command)},
                at=call.tx.clock.now(),
            )
        return outcome

    async def move(self, command: MoveHousehold, call: Call) -> Outcome:
        """To another village, while no case holds the household where it is."""
        self.divisions.require(command.division, level=Level.VILLAGE, field="division")
        self.divisions.require(command.residence, field="residence")
        if command.hukou_place is not None:
            self.divisions.require(command.hukou_place, field="hukou_place")
        active = await lookups.active_case(call.tx.sql, command.household_id)
        plain = call.context(command.occurred_on)
        context = Move(plain.today, plain.occurred_on, plain.principal, active is not None)
        return await call.decide(HOUSEHOLD, command.household_id, command, context)

    async def publish(self, command: commands.PublishPolicy, call: Call) -> Outcome:
        """Into the division's own book, measured against what is in force above it."""
        policy = command.policy
        self.divisions.require(policy.division, field="policy.division")
        plain = call.context(command.occurred_on)
        context = Publication(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            above=await lookups.policy_above(call.tx.sql, policy.division, policy.effective_from),
        )
        return await call.decide(POLICY_BOOK, book_id(policy.division), command, context)

    def _checked(self, command: RegisterHousehold) -> list[_Identified]:
        """The members' documents. Raises the ``Refusal`` of a place or number that is none."""
        self._places_exist(command)
        self._hukou_places_exist(command.members, "members")
        return self._identified(_documents(command.members, "members"))

    def _checked_or_refused(self, command: RegisterHousehold) -> list[_Identified] | Refusal:
        try:
            return self._checked(command)
        except Refusal as refusal:
            return refusal

    def _prepared(
        self, command: RegisterHousehold, people: Sequence[_Identified], call: Call
    ) -> _Prepared:
        """Ids and tokens for the decision, and what the vault is to keep."""
        household_id = new_id()
        member_ids = tuple(new_id() for _ in command.members)
        plain = call.context(command.occurred_on)
        context = Registration(
            today=plain.today,
            occurred_on=plain.occurred_on,
            principal=plain.principal,
            household_id=household_id,
            member_ids=member_ids,
            key_id=str(self.index.version),
            tokens=_tokens(member_ids, people),
            details=_new_details(member_ids, command.members),
        )
        entries = [
            Entry(household_id, household_id, "household", {"phone": None, **_home(command)}),
            *_people(household_id, member_ids, command.members, people),
            *_detailed(household_id, context.details, _said(member_ids, command.members)),
        ]
        return _Prepared(context, entries)

    def _identified(self, documents: Iterable[Document]) -> list[_Identified]:
        return [
            _Identified(document, tuple(token.hex() for token in self.index.tokens(document)))
            for document in documents
        ]

    def _places_exist(self, command: RegisterHousehold) -> None:
        require = self.divisions.require
        require(command.division, level=Level.VILLAGE, field="division")
        require(command.hukou_place, field="hukou_place")
        require(command.residence, field="residence")
        if command.moved_from is not None:
            require(command.moved_from, field="moved_from")

    def _hukou_places_exist(self, people: Sequence[PersonGiven], field: str) -> None:
        for number, person in enumerate(people):
            if person.hukou_place is not None:
                self.divisions.require(person.hukou_place, field=f"{field}[{number}].hukou_place")

    async def _must_be_new(self, people: Sequence[_Identified], call: Call) -> None:
        """Nobody is registered already, under any index key in use (R25)."""
        if await self._registered([people], call):
            raise registered_elsewhere()

    async def _registered(
        self, households: Iterable[Sequence[_Identified]], call: Call
    ) -> AbstractSet[str]:
        """Those of the households' tokens that somebody in the register has."""
        tokens = [token for people in households for item in people for token in item.tokens]
        return set(await lookups.held(call.tx.raw, tokens)) if tokens else set()


def _documents(people: Sequence[PersonGiven], field_name: str) -> list[Document]:
    """The members' documents, checked; each refused under its own field."""
    documents: list[Document] = []
    for number, person in enumerate(people):
        field = f"{field_name}[{number}].document_number"
        try:
            document = parse_document(person.document_number)
        except Invalid as refusal:
            raise Invalid(
                refusal.rule, code=refusal.code, zh=refusal.zh, en=refusal.en, field=field
            ) from None
        if any(document.id_number == other.id_number for other in documents):
            raise Invalid(
                "R25",
                code="document-twice",
                zh="同一证件号码在本户重复填报",
                en="the household has the same document number twice",
                field=field,
            )
        documents.append(document)
    return documents


def _tokens(member_ids: Sequence[UUID], people: Sequence[_Identified]) -> tuple[IndexToken, ...]:
    return tuple(
        IndexToken(member_id=member_id, token=token)
        for member_id, item in zip(member_ids, people, strict=True)
        for token in item.tokens
    )


def _people(
    household_id: UUID,
    member_ids: Sequence[UUID],
    people: Sequence[PersonGiven],
    identified: Sequence[_Identified],
) -> list[Entry]:
    """What only the vault keeps of them."""
    return [
        Entry(
            household_id,
            member_id,
            "member",
            {
                "name": person.name,
                "document_number": item.document.number,
                "relation": person.relation,
            },
        )
        for member_id, person, item in zip(member_ids, people, identified, strict=True)
    ]


def _home(
    command: RegisterHousehold | ReviseHousehold,
) -> dict[str, str]:
    """What is said about the home."""
    return {name: value for name in HOME if (value := getattr(command, name)) is not None}


def _said(ids: Sequence[UUID], people: Sequence[PersonGiven]) -> dict[UUID, Details]:
    return {id_: person.details for id_, person in zip(ids, people, strict=True) if person.details}


def _new_details(ids: Sequence[UUID], people: Sequence[PersonGiven]) -> dict[UUID, UUID]:
    return {member_id: new_id() for member_id in _said(ids, people)}


def _detailed(
    household_id: UUID, records: Mapping[UUID, UUID], said: Mapping[UUID, Details]
) -> list[Entry]:
    return [
        Entry(household_id, records[member_id], "details", details.model_dump(mode="json"))
        for member_id, details in said.items()
    ]
