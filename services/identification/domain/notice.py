"""What a notice or announcement may show, and the scan of its free text (R65, R56). Pure.

The fields are a whitelist: nothing else can be put on a notice. The cause is coarse; an illness or
a disability is health data and never shown.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import rfc8785

from shared.contracts.values import Category, Risk
from shared.kernel.refusal import Invalid
from shared.policy.rules import rule

CATEGORY_NAMES = {
    Category.UNSTABLE_EXIT: "脱贫不稳定户",
    Category.MARGINAL_AT_RISK: "边缘易致贫户",
    Category.SEVERE_HARDSHIP: "突发严重困难户",
}
_EXPENSE_RISKS = {Risk.ILLNESS, Risk.DISABILITY, Risk.DISASTER, Risk.ACCIDENT, Risk.SCHOOLING}


@dataclass(frozen=True)
class Content:
    """Every field a notice has (``context.md``, public notice)."""

    kind: str
    """公示 or 公告."""
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
    objection_phone: str
    remark: str
    salt: str
    """Random, so that the hash in the event says nothing about the name."""

    def as_json(self) -> dict[str, Any]:
        """The content as it is kept in the vault."""
        return asdict(self)

    def digest(self) -> str:
        """SHA-256, hex, of the canonical JSON (RFC 8785)."""
        return hashlib.sha256(rfc8785.dumps(self.as_json())).hexdigest()


def coarse_cause(risks: Sequence[Risk]) -> str:
    """What the village reads instead of the risks."""
    if not _EXPENSE_RISKS.isdisjoint(risks):
        return "刚性支出较大"
    return "收入大幅缩减"


def day(on: date) -> str:
    """A date as a notice writes it."""
    return f"{on.year}年{on.month}月{on.day}日"


_JOINED = re.compile(r"(?<=\d)[\s\-–—.·_,,、/]+(?=[\dXx])")
_NUMERALS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_NUMBERS = (
    ("id-number", re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "身份证件号码", "an identity number"),
    ("id-number", re.compile(r"(?<!\d)\d{15}(?!\d)"), "身份证件号码", "an identity number"),
    ("card-number", re.compile(r"(?<!\d)\d{16,}(?!\d)"), "银行账号", "a bank account"),
    ("phone-number", re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)"), "手机号", "a mobile number"),
)
_HEALTH = [
    "癌",
    "肿瘤",
    "白血病",
    "尿毒症",
    "肾衰",
    "透析",
    "糖尿病",
    "高血压",
    "心脏病",
    "冠心病",
    "脑梗",
    "脑出血",
    "脑卒中",
    "中风",
    "偏瘫",
    "瘫痪",
    "精神病",
    "精神分裂",
    "精神障碍",
    "抑郁",
    "癫痫",
    "痴呆",
    "艾滋",
    "hiv",
    "肝炎",
    "乙肝",
    "肝硬化",
    "结核",
    "残疾",
    "残障",
    "智障",
    "聋哑",
    "失明",
    "化疗",
    "放疗",
    "手术",
    "住院",
    "确诊",
    "患病",
    "患有",
    "病情",
    "病史",
    "因病",
    "因残",
    "大病",
    "重病",
    "慢性病",
    "绝症",
    "孕",
    "流产",
    "病",
]


@rule("R65")
def must_be_publishable(*, field: str, text: str) -> None:
    """Refuse identity numbers, mobiles, accounts and health terms; nobody can override it (R65)."""
    found = sensitive(text)
    if found is not None:
        code, zh, en = found
        raise Invalid(
            "R65",
            code=f"sensitive-{code}",
            zh=f"公示公告中不得出现{zh},请删除后再提交",
            en=f"a notice must not hold {en}",
            field=field,
        )


def sensitive(text: str) -> tuple[str, str, str] | None:
    """The first sensitive thing in a text: its code, Chinese and English name; or ``None``.

    Full-width digits, Chinese numerals and separators inside a number are seen through.
    """
    plain = unicodedata.normalize("NFKC", text)
    digits = _JOINED.sub("", plain.translate(_NUMERALS))
    for code, pattern, zh, en in _NUMBERS:
        if pattern.search(digits):
            return code, zh, en
    lowered = plain.casefold()
    if any(term in lowered for term in _HEALTH):
        return "health", "健康状况", "a state of health"
    return None
