"""The policy book: a new version of the parameters, and what it would change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.forms.fields import (
    NOTHING,
    Choice,
    Codes,
    Day,
    Days,
    Field,
    Given,
    Length,
    Lengths,
    Number,
    Rows,
    Text,
    Yuan,
    read_all,
)
from services.console.forms.form import Form, Trial
from shared.contracts.labels import labels
from shared.kernel.money import yuan

Json = Any
AT = "policy.parameters."
"""Where the parameters stand in the body."""
_SPOKEN = {"d": "天", "wd": "个工作日", "m": "个月"}


def spoken(length: str) -> str:
    """``5wd`` → ``5个工作日``."""
    number = length.rstrip("dwm")
    return number + _SPOKEN[length[len(number) :]]


@dataclass(frozen=True, kw_only=True)
class Entries(Rows):
    """A table by its first column: amounts by year or by place, names by who they are of."""

    value: str = ""
    """The field of the value; the rest of the row where there is none."""

    def read(self, given: Given, name: str) -> Json | None:
        """Key → value; ``None`` for none."""
        rows = [read_all(self.fields, given, f"{name}.{n}.") for n in self.numbers(given, name)]
        return {
            str(row[self.key]): value
            for row in rows
            if row[self.key] is not None and (value := self._value(row))
        } or None

    def _called(self, given: Given, row: int, _number: int) -> str:
        return given.one(f"{self.name}.{row}.{self.key}")

    def _value(self, row: Mapping[str, Json]) -> Json:
        if self.value:
            return row[self.value]
        return {name: value for name, value in row.items() if name != self.key and value}


def _lengths(**labels: str) -> tuple[Field, ...]:
    return tuple(Length(name=AT + name, label=label) for name, label in labels.items())


def _warnings(**labels: str) -> tuple[Field, ...]:
    return tuple(
        Lengths(name=AT + name, label=label, hint="自起算日起,例如10天、13天")
        for name, label in labels.items()
    )


def _numbers(**labels: str) -> tuple[Field, ...]:
    return tuple(Number(name=AT + name, label=label) for name, label in labels.items())


def _shares(**labels: str) -> tuple[Field, ...]:
    return tuple(
        Text(name=AT + name, label=label, hint="例如2/3") for name, label in labels.items()
    )


PARAMETERS: tuple[Field, ...] = (
    Entries(
        name=f"{AT}monitoring_line",
        label="防止返贫监测线(元,人均年收入)",
        hint="只填要增加或修改的年度",
        key="year",
        value="amount",
        fields=(Number(name="year", label="年度"), Yuan(name="amount", label="金额(元)")),
    ),
    Entries(
        name=f"{AT}county_rural_mean",
        label="各县农村居民人均可支配收入(元)",
        hint="只填要增加或修改的县",
        key="county",
        value="amount",
        fields=(
            Text(name="county", label="区划代码", mode="numeric"),
            Yuan(name="amount", label="金额(元)"),
        ),
    ),
    Yuan(name=f"{AT}former_poverty_standard", label="脱贫攻坚期扶贫标准(元)"),
    *_lengths(
        verify="入户核实",
        identify="识别认定",
        publicity="公示",
        national_entry="录入国家系统",
        tell_applicant="告知未识别农户",
        comparison_valid="比对结果有效期",
        green_channel="绿色通道补办",
        first_help="绿色通道先行帮扶",
        follow_up="未识别农户回访",
        escalate="逾期上报上级",
        plan="制定帮扶计划",
        department_measure="部门措施启动",
        ledger_review="2%台账核查",
        comparison="季度比对",
        stable_income="消除前收入稳定",
        lead_disposition="线索处置",
        unhelped="识别后未落实措施",
        hotline_handle="热线工单办理",
        hotline_return="热线工单回退",
        hotline_extension="热线工单延期",
    ),
    *_warnings(
        identify_warnings="识别认定到期提醒",
        green_channel_warnings="绿色通道到期提醒",
        plan_warnings="帮扶计划到期提醒",
        department_warnings="部门措施到期提醒",
    ),
    *_shares(quorum="评议到会比例", majority="评议通过比例"),
    *_numbers(
        ledger_percent="2%台账比例(%)",
        well_above_mean_percent="收入明显高于(全县平均的%)",
        rush_month_times="突击识别:超过前12个月中位数的倍数",
        rush_month_at_least="突击识别:且不少于(户)",
        rush_elimination_percent="突击消除:超过全年的(%)",
        rush_elimination_days="突击消除:在多少天内",
        rush_elimination_at_least="突击消除:且不少于(户)",
        bulk_approvals="集中批准:不少于(户)",
        bulk_minutes="集中批准:在多少分钟内",
        channel_share_percent="绿色通道占比预警(%)",
        channel_at_least="绿色通道占比预警:且不少于(户)",
    ),
    Codes(
        name=f"{AT}screens_applicants",
        label="低保、特困申请即先排查的县",
        mode="numeric",
        hint="填写全部县的区划代码,用空格隔开,替换现行名单;填“无”清空名单",
    ),
    Entries(
        name=f"{AT}organisations",
        label="机构名称",
        hint="公示、公告落款用的名称",
        key="role",
        value="name",
        blank=0,
        presets=({"role": "executive"}, {"role": "lead"}),
        fields=(
            Choice(name="role", label="机构", group="OrganisationRole"),
            Text(name="name", label="名称"),
        ),
    ),
    Entries(
        name=f"{AT}working_years",
        label="国务院办公厅放假通知",
        hint="热线工单按工作日计时;只有省级可以发布,只填系统还不知道的年度",
        key="year",
        fields=(
            Number(name="year", label="年度"),
            Text(name="document", label="文号"),
            Days(
                name="holidays",
                label="放假日期",
                hint="每段一行,例如2026-10-01至2026-10-07;全年不少于11天",
            ),
            Days(name="make_up_days", label="调休上班日期"),
        ),
        add="再加一个年度",
    ),
)


def shown(item: Field, value: Json) -> str:
    """A parameter as officers read it."""
    if isinstance(item, Entries):
        fields = {field.name: field for field in item.fields}
        return ";".join(
            f"{_key(fields[item.key], key)}:{_of_key(fields.get(item.value), one)}"
            for key, one in value.items()
        )
    if isinstance(item, Yuan):
        return yuan(value)
    if isinstance(item, Length):
        return spoken(value)
    if isinstance(item, Lengths):
        return "、".join(map(spoken, value))
    return "、".join(value) or NOTHING if isinstance(item, Codes) else str(value)


def _key(item: Field, key: str) -> str:
    return labels()[item.group][key][0] if isinstance(item, Choice) else key


def _of_key(item: Field | None, one: Json) -> str:
    if item is None:
        return f"{one['document']}({len(one['holidays'])}天)"
    return shown(item, one)


@dataclass(frozen=True, kw_only=True)
class PolicyForm(Form):
    """A version is whole: what nobody changes stays as it is in force."""

    base: Mapping[str, Json] = field(default_factory=dict)
    """The parameters in force."""
    division: str = ""
    """The publisher's own: nobody publishes for another (R2)."""

    def body(self, given: Given) -> dict[str, Json]:
        """The whole version. Raises ``FieldFaults``."""
        made = super().body(given)
        changes = made.get("policy", {}).get("parameters", {})
        policy = {"division": self.division, "parameters": merged(self.base, changes)}
        return {**made, "policy": {**made.get("policy", {}), **policy}}


def merged(base: Mapping[str, Json], changes: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters with the changes; a table by its own entries."""
    made = dict(base)
    for name, value in changes.items():
        made[name] = {**made.get(name, {}), **value} if isinstance(value, dict) else value
    return made


PUBLISH = PolicyForm(
    name="policy",
    title="发布政策参数",
    service="identification",
    path="/policy",
    intro="省级发布、市级只能收紧;自施行日期起生效,不改变以前的办理。"
    "只填要修改的,不填的沿用现行规定;先试算,看会影响多少个案。",
    button="发布",
    done="政策参数已发布",
    dated=False,
    trials=(Trial("trial", "试算"),),
    fields=(
        Text(name="policy.version", label="版本号", required=True, hint="区划代码/年度-序号"),
        Text(name="policy.document", label="文号", required=True),
        Day(name="policy.effective_from", label="施行日期", required=True),
        Day(name="policy.valid_until", label="有效期至", hint="长期有效的不填"),
        *PARAMETERS,
    ),
)
