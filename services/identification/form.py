"""The collection form as a table: one row a person, the household's own columns in its first row.

One list of columns serves the county's import, the template people fill in, and what the national
system is given. A cell holds the form's own words; the codes are taken as well.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.identification.domain.collection import (
    AtSchool,
    Education,
    Health,
    Insurance,
    Political,
    Relation,
    ResidenceReason,
)
from shared.contracts.values import Benefit, History, Hukou, Labour
from shared.tabular.faults import BadCell

KEY = "户序号"
"""What holds the rows of one household together; any word, the same in each of them."""

_YES_NO: Mapping[str, Any] = {"是": True, "否": False}
_WORDS: Mapping[str, Mapping[str, Any]] = {
    "history": {"是": History.FORMERLY_POOR, "否": History.ORDINARY},
    "relocated": _YES_NO,
    "co_living": _YES_NO,
    "residence_leads": {
        "长期定居外地": ResidenceReason.SETTLED_AWAY,
        "户籍地无住房": ResidenceReason.NO_HOME_AT_HUKOU,
        "在常住地就医就学照料": ResidenceReason.CARE_AT_RESIDENCE,
        "其他": ResidenceReason.OTHER,
    },
    "relation": {
        "户主": Relation.HEAD,
        "配偶": Relation.SPOUSE,
        "子女": Relation.CHILD,
        "父母": Relation.PARENT,
        "孙子女": Relation.GRANDCHILD,
        "子女配偶": Relation.CHILD_IN_LAW,
        "兄弟姐妹": Relation.SIBLING,
        "祖父母": Relation.GRANDPARENT,
        "其他": Relation.OTHER,
    },
    "hukou": {
        "农业户口": Hukou.RURAL,
        "非农业户口": Hukou.URBAN,
        "农转非": Hukou.RURAL_TO_URBAN,
        "集体户": Hukou.COLLECTIVE,
    },
    "labour": {
        "技能劳动力": Labour.SKILLED,
        "普通劳动力": Labour.ORDINARY,
        "弱劳动力或半劳动力": Labour.WEAK,
        "丧失劳动力": Labour.LOST,
        "无劳动力": Labour.NONE,
    },
    "benefits": {
        "农村低保": Benefit.RURAL_DIBAO,
        "农村低保(全额或最高档)": Benefit.RURAL_DIBAO_FULL,
        "分散供养特困": Benefit.SCATTERED_SUPPORT,
        "城市低保": Benefit.URBAN_DIBAO,
        "职工基本养老": Benefit.EMPLOYEE_PENSION,
    },
    "political": {
        "中共党员": Political.PARTY_MEMBER,
        "共青团员": Political.LEAGUE_MEMBER,
        "民主党派": Political.OTHER_PARTY,
        "群众": Political.NONE,
    },
    "education": {
        "文盲或半文盲": Education.ILLITERATE,
        "小学": Education.PRIMARY,
        "初中": Education.JUNIOR,
        "高中": Education.SENIOR,
        "大专": Education.COLLEGE,
        "本科及以上": Education.UNIVERSITY,
    },
    "at_school": {
        "非在校生": AtSchool.NONE,
        "学前教育": AtSchool.PRESCHOOL,
        "小学": AtSchool.PRIMARY,
        "初中": AtSchool.JUNIOR,
        "高中": AtSchool.SENIOR,
        "职业教育": AtSchool.VOCATIONAL,
        "高等教育": AtSchool.HIGHER,
        "辍学": AtSchool.DROPPED_OUT,
    },
    "health": {
        "健康": Health.HEALTHY,
        "长期慢性病": Health.CHRONIC,
        "患有大病": Health.SERIOUS,
        "残疾": Health.DISABLED,
    },
    "insurances": {
        "居民医保": Insurance.RESIDENT_MEDICAL,
        "职工医保": Insurance.EMPLOYEE_MEDICAL,
        "大病保险": Insurance.CRITICAL_ILLNESS,
        "居民养老": Insurance.RESIDENT_PENSION,
        "职工养老": Insurance.EMPLOYEE_PENSION,
    },
}
"""The form's words for each code, by field."""

HOUSEHOLD: Mapping[str, str] = {
    "户编号": "national_number",
    "所属村代码": "division",
    "户籍地代码": "hukou_place",
    "居住地代码": "residence",
    "常住地牵头原因": "residence_leads",
    "是否脱贫户": "history",
    "是否易地搬迁户": "relocated",
    "迁出地代码": "moved_from",
    "集中安置点": "relocation_site",
    "家庭住址": "address",
    "联系电话": "phone",
}
"""The columns of the household's first row, and the fields of the registration."""
PERSON: Mapping[str, str] = {
    "姓名": "name",
    "证件号码": "document_number",
    "与户主关系": "relation",
    "户口性质": "hukou",
    "个人户籍地代码": "hukou_place",
    "是否共同生活": "co_living",
    "劳动技能": "labour",
    "享受保障": "benefits",
}
DETAILS: Mapping[str, str] = {
    "民族": "ethnicity",
    "政治面貌": "political",
    "文化程度": "education",
    "在校生状况": "at_school",
    "健康状况": "health",
    "务工单位": "workplace",
    "务工月数": "months_worked",
    "参保情况": "insurances",
    "本人易地搬迁": "relocated",
}
COLUMNS = (KEY, *HOUSEHOLD, *PERSON, *DETAILS)
"""The table's header, in this order in what is written, in any order in what is read."""
NEEDED = frozenset(
    {KEY, "所属村代码", "家庭住址", "姓名", "证件号码", "与户主关系", "劳动技能", "是否脱贫户"}
)
_SEVERAL = frozenset({"benefits", "insurances"})
_BETWEEN = re.compile(r"[、,,;;\s]+")
_MEMBER = re.compile(r"^members\[(\d+)\](?:\.(details))?(?:\.(\w+))?")


@dataclass(frozen=True)
class Rows:
    """One household's rows: their numbers in the file, and their cells by title."""

    numbers: Sequence[int]
    cells: Sequence[Mapping[str, str]]

    def registration(self) -> dict[str, Any]:
        """The fields of ``RegisterHousehold``, not yet checked.

        Raises ``BadCell`` where a later row says something else about the household.
        """
        self._say_one_thing()
        home = _fields(self.cells[0], HOUSEHOLD)
        if "division" in home:
            home = {"hukou_place": home["division"], "residence": home["division"]} | home
        return home | {"members": [_person(row) for row in self.cells]}

    def place(self, field: str | None) -> tuple[int, str]:
        """The row and the title of a field of the registration."""
        found = _MEMBER.match(field or "")
        if found is None:
            return self.numbers[0], _title(HOUSEHOLD, field or "")
        index, details, name = found.groups()
        titles = DETAILS if details else PERSON
        number = self.numbers[min(int(index), len(self.numbers) - 1)]
        return number, _title(titles, name or "")

    def _say_one_thing(self) -> None:
        first = self.cells[0]
        for index, row in enumerate(self.cells[1:], start=1):
            for title in HOUSEHOLD:
                if row.get(title, "") not in {"", first.get(title, "")}:
                    raise BadCell(
                        "household-differs",
                        "同一户的户信息应与首行一致或留空",
                        "what is said about the household differs from its first row",
                        field=f"members[{index}].{HOUSEHOLD[title]}",
                    )


def shown(field: str, value: Any) -> str:
    """A value in the form's words."""
    if isinstance(value, list | tuple):
        return "、".join(shown(field, item) for item in value)
    for word, code in _WORDS.get(field, {}).items():
        if code == value and isinstance(value, bool) is isinstance(code, bool):
            return word
    return "" if value is None else str(value)


def example() -> dict[str, str]:
    """A row of the template: nobody."""
    return {
        KEY: "1",
        "所属村代码": "370114101200",
        "是否脱贫户": "否",
        "家庭住址": "某县某镇某村1号",
        "姓名": "某某",
        "证件号码": "(18、20或22位,按文本填写)",
        "与户主关系": "户主",
        "户口性质": "农业户口",
        "劳动技能": "普通劳动力",
    }


def _person(row: Mapping[str, str]) -> dict[str, Any]:
    details = _fields(row, DETAILS)
    return _fields(row, PERSON) | ({"details": details} if details else {})


def _fields(row: Mapping[str, str], titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _value(name, cell)
        for title, cell in row.items()
        if cell and (name := titles.get(title)) is not None
    }


def _value(name: str, cell: str) -> Any:
    words = _WORDS.get(name, {})
    if name in _SEVERAL:
        return [words.get(item, item) for item in _BETWEEN.split(cell) if item]
    return words.get(cell, cell)


def _title(titles: Mapping[str, str], field: str) -> str:
    name = field.partition("[")[0]
    every = {**HOUSEHOLD, **titles}
    return next((title for title, known in reversed(every.items()) if known == name), "")


def codes(field: str) -> Sequence[StrEnum]:
    """The codes that have a word, for the test that none is without."""
    return [code for code in _WORDS[field].values() if isinstance(code, StrEnum)]
