"""Notices and announcements: rendered from a whitelist, scanned, frozen in the vault (R65, R56).

Nothing but these fields can be put on one. The cause is coarse: an illness or a disability is
health data and never shown. The event carries the content's hash; the content has a random salt,
so that the hash says nothing about the name in it.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import rfc8785

from services.identification.domain import commands
from services.identification.domain.case_state import Case
from services.identification.domain.context import CaseContext, HouseholdFacts
from services.identification.domain.outcome_policies import concluded_to_identify
from services.identification.reveals import REVEAL
from shared.contracts.values import Category, Risk
from shared.kernel.ids import new_id
from shared.kernel.refusal import Invalid
from shared.policy.legal_time import after
from shared.policy.purposes import Purpose
from shared.policy.rules import rule
from shared.store.application import Call
from shared.vault.ciphers import Tampered
from shared.vault.reveals import reveal
from shared.vault.scan import scan
from shared.vault.vault import Entry, Vault

KIND = "notice"
"""The vault's kind of a notice's content."""

CATEGORY_NAMES = {
    Category.UNSTABLE_EXIT: "脱贫不稳定户",
    Category.MARGINAL_AT_RISK: "边缘易致贫户",
    Category.SEVERE_HARDSHIP: "突发严重困难户",
}
_EXPENSE_RISKS = {Risk.ILLNESS, Risk.DISABILITY, Risk.DISASTER, Risk.ACCIDENT, Risk.SCHOOLING}


@dataclass(frozen=True)
class Content:
    """Every field a notice has."""

    title: str
    number: str
    village: str
    """The village's division code."""
    head_name: str
    members: int
    category: str
    cause: str
    """刚性支出较大 or 收入大幅缩减: never more."""
    from_day: str
    to_day: str
    issuer: str
    """The executive department, by the name the policy gives it (K8)."""
    objection_phone: str
    remark: str
    salt: str

    def as_json(self) -> dict[str, Any]:
        """The content as it is kept in the vault."""
        return asdict(self)

    @classmethod
    def frozen(cls, kept: Mapping[str, Any], digest: str) -> "Content":
        """What the vault kept, exactly as it was posted. Raises ``Tampered`` for anything else."""
        content = cls(**kept)
        if content.digest() != digest:
            raise Tampered
        return content

    def digest(self) -> str:
        """SHA-256, hex, of the canonical JSON (RFC 8785)."""
        return hashlib.sha256(rfc8785.dumps(self.as_json())).hexdigest()


FIELDS = tuple(field.name for field in fields(Content))
"""Their names in the vault."""

Wish = commands.PostNotice | commands.Announce


async def freeze(
    vault: Vault, call: Call, case: Case, context: CaseContext, command: Wish
) -> tuple[UUID, str] | None:
    """Render, scan and keep the content; its id and hash. ``None`` when there is nothing to say.

    A case that has not come so far is refused by its decision, which stands on the case alone.
    """
    content = await render(vault, call, case, context, command)
    if content is None:
        return None
    content_id = new_id()
    entry = Entry(context.household.household_id, content_id, KIND, content.as_json())
    await vault.put(call.tx.raw, [entry], at=call.tx.clock.now())
    return content_id, content.digest()


async def render(
    vault: Vault, call: Call, case: Case, context: CaseContext, command: Wish
) -> Content | None:
    """The content as it would be frozen, scanned; ``None`` when there is nothing to say yet."""
    if case.verified is None or case.deliberated is None or case.deliberated.category is None:
        return None
    remark = command.remark if isinstance(command, commands.PostNotice) else ""
    must_be_publishable("number", command.number)
    must_be_publishable("remark", remark)
    posting = isinstance(command, commands.PostNotice)
    on = context.occurred_on
    return Content(
        title="监测帮扶对象公示" if posting else "监测帮扶对象公告",
        number=command.number,
        village=case.division,
        head_name=await _head_name(vault, call, context.household),
        members=len(case.verified.counted),
        category=CATEGORY_NAMES[case.category or concluded_to_identify(case)],
        cause=coarse_cause(case.risks),
        from_day=_day(after(on, "1d") if posting else on),
        to_day=_day(after(on, context.policy.parameters.publicity) if posting else on),
        issuer=context.policy.parameters.organisations.get("executive", "农业农村部门"),
        objection_phone=command.objection_phone,
        remark=remark,
        salt=secrets.token_hex(16),
    )


@rule("R65")
def must_be_publishable(field: str, text: str) -> None:
    """Refuse identity numbers, mobiles, accounts and health terms; nobody can override it (R65)."""
    found = scan(text)
    if found:
        raise Invalid(
            "R65",
            code=f"sensitive-{found[0].kind}",
            zh=f"公示公告中不得出现{found[0].kind.zh},请删除后再提交",
            en=f"a notice must not hold sensitive data: {found[0].kind}",
            field=field,
        )


@rule("R65")
def coarse_cause(risks: Sequence[Risk]) -> str:
    """What the village reads instead of the risks: too much to pay, or too little coming in."""
    if not _EXPENSE_RISKS.isdisjoint(risks):
        return "刚性支出较大"
    return "收入大幅缩减"


async def _head_name(vault: Vault, call: Call, household: HouseholdFacts) -> str:
    """The head's name, which a notice shows; the look is recorded like any other."""
    head = next(member.member_id for member in household.members if member.is_head)
    revealed = await reveal(
        vault,
        call,
        REVEAL,
        owner=household.household_id,
        divisions=(household.division,),
        records=[head],
        fields=["name"],
        purpose=Purpose.NOTICE,
    )
    name: str = revealed.data[head]["name"]
    return name


@rule("K2")
def hung_on(content: Content) -> str:
    """The day on the paper: publicity begins the day after; an announcement is of its own day."""
    if content.from_day == content.to_day:
        return content.from_day
    year, month, day = map(int, re.findall(r"\d+", content.from_day))
    return _day(date(year, month, day) - timedelta(days=1))


def _day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"
