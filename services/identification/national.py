"""The national system's table: identified households that wait for their entry, on the form (R63).

It holds personal data in full: each household in it is a look of its own, recorded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.identification import form
from services.identification.domain.case import CASE
from services.identification.domain.case_state import Case
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.household_state import Household
from services.identification.notices import CATEGORY_NAMES
from services.identification.read_models.queries import starts_with
from services.identification.read_models.tables import work_item
from services.identification.reveals import REVEAL
from shared.contracts.assessment import Accounts, IncomeKind
from shared.contracts.identification import Member
from shared.contracts.values import Risk
from shared.policy.purposes import Purpose
from shared.store.application import Call
from shared.vault.reveals import reveal
from shared.vault.vault import Vault

CASE_ID, RECEIPT, ENTERED_ON = "个案编号", "录入回执号", "录入日期"
_RISKS: Mapping[Risk, str] = {
    Risk.ILLNESS: "因病",
    Risk.DISASTER: "因自然灾害",
    Risk.DISABILITY: "因残",
    Risk.LABOUR_SHORTAGE: "缺劳动力",
    Risk.ACCIDENT: "意外事故",
    Risk.INDUSTRY_FAILURE: "产业失败",
    Risk.UNSTABLE_EMPLOYMENT: "务工就业不稳",
    Risk.SCHOOLING: "因学",
    Risk.OTHER: "其他",
}
_INCOMES: Mapping[IncomeKind, str] = {
    IncomeKind.WAGE: "工资性收入",
    IncomeKind.OPERATING: "生产经营性收入",
    IncomeKind.PROPERTY: "财产性收入",
    IncomeKind.TRANSFER: "转移性收入",
    IncomeKind.OPERATING_COST: "生产经营性支出",
}
_FIGURES: Mapping[str, str] = {
    "家庭纯收入": "net",
    "人均纯收入": "per_capita_net",
    "理赔收入": "claimed",
    "合规自付支出": "spent",
    "人均收入参考值": "reference_per_capita",
}
COLUMNS = (
    CASE_ID,
    *form.COLUMNS,
    *("监测对象类别", "识别日期", "风险类型", "核算期起", "核算期止"),
    *_INCOMES.values(),
    *_FIGURES,
    RECEIPT,
    ENTERED_ON,
)
"""The table's header; the last two are filled in from the national system and sent back."""


@dataclass(frozen=True)
class Waiting:
    """One household that waits for its entry."""

    case: Case
    household: Household
    kept: Mapping[UUID, Mapping[str, Any]]
    """Its records in the vault, in full."""


async def waiting_for_entry(call: Call, vault: Vault, limit: int) -> Sequence[Waiting]:
    """The most urgent ``limit`` households of the caller's division, each looked at for the entry.

    Raises ``Forbidden`` for somebody who may not look for this purpose.
    """
    item = work_item.c
    query = (
        sa.select(item.stream_id)
        .where(item.step == "national-entry", starts_with(item.division, call.principal.division))
        .group_by(item.stream_id, item.due_on)
        .order_by(item.due_on, item.stream_id)
        .limit(limit)
    )
    case_ids = (await call.tx.sql.execute(query)).scalars().all()
    return [await _look(call, vault, case_id) for case_id in case_ids]


def rows(waiting: Sequence[Waiting]) -> Iterator[dict[str, str]]:
    """A row a person, as the form has it."""
    for number, item in enumerate(waiting, start=1):
        for index, member in enumerate(_head_first(item.household.members)):
            yield {
                form.KEY: str(number),
                **(_household(item) if index == 0 else {}),
                **_person(item, member),
            }


async def _look(call: Call, vault: Vault, case_id: UUID) -> Waiting:
    case: Case = (await call.load(CASE, case_id)).state
    household: Household = (await call.load(HOUSEHOLD, case.household_id)).state
    records = [household.home_id, *(member.member_id for member in household.members)]
    records += [member.details_id for member in household.members if member.details_id]
    fields = {*form.HOUSEHOLD.values(), *form.PERSON.values(), *form.DETAILS.values()}
    seen = await reveal(
        vault,
        call,
        REVEAL,
        owner=household.household_id,
        divisions=(household.division,),
        records=records,
        fields=fields,
        purpose=Purpose.NATIONAL_ENTRY,
    )
    return Waiting(case, household, seen.data)


def _head_first(members: Sequence[Member]) -> list[Member]:
    return sorted(members, key=lambda member: not member.is_head)


def _household(item: Waiting) -> dict[str, str]:
    case, household = item.case, item.household
    assert case.category is not None
    codes = {
        **{name: getattr(household, name, None) for name in form.HOUSEHOLD.values()},
        **item.kept[household.home_id],
    }
    return {
        CASE_ID: str(case.case_id),
        **{title: form.shown(name, codes.get(name)) for title, name in form.HOUSEHOLD.items()},
        "监测对象类别": CATEGORY_NAMES[case.category],
        "识别日期": str(case.identified_on),
        "风险类型": "、".join(_RISKS[risk] for risk in case.risks),
        **(_accounts(case.verified.accounts) if case.verified else {}),
    }


def _accounts(accounts: Accounts) -> dict[str, str]:
    by_kind = dict.fromkeys(_INCOMES, 0)
    for income in accounts.incomes:
        by_kind[income.kind] += income.amount
    return {
        "核算期起": str(accounts.period_from),
        "核算期止": str(accounts.period_to),
        **{title: _yuan(by_kind[kind]) for kind, title in _INCOMES.items()},
        **{title: _yuan(getattr(accounts, name)) for title, name in _FIGURES.items()},
    }


def _person(item: Waiting, member: Member) -> dict[str, str]:
    person = {**member.model_dump(), **item.kept[member.member_id]}
    details = item.kept[member.details_id] if member.details_id else {}
    return {
        **{title: form.shown(name, person.get(name)) for title, name in form.PERSON.items()},
        **{title: form.shown(name, details.get(name)) for title, name in form.DETAILS.items()},
    }


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"
