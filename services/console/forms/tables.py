"""Tables that people send as a file: answered row by row by the service that takes them."""

from dataclasses import dataclass

from services.console.forms.fields import Choice, Number, Pick
from services.console.forms.form import Form

_IDENTIFICATION = "identification"
_ASSISTANCE = "assistance"


@dataclass(frozen=True, kw_only=True)
class TableForm(Form):
    """A file and what it is of; its fields stand in the route's path."""

    columns: str
    """What the header must say, in the file's own words."""
    back: str
    """Where one comes from."""
    back_title: str
    tried: bool = False
    """Can be tried first (``?preview=true``); answered by lines while the work goes on."""
    template: str = ""
    """Where the service has an empty table to fill in."""
    dated: bool = False
    button: str = "上传"


HOUSEHOLDS = TableForm(
    name="households",
    title="批量登记农户",
    service=_IDENTIFICATION,
    path="/households/import",
    intro="按采集表模板填写,一人一行,同一户的各行相邻。先试读,不登记任何农户;再上传,逐户登记。"
    "个别户有误不影响其他户,改正后重新上传同一文件,已登记的不会重复。",
    columns="户序号、所属村代码、家庭住址、是否脱贫户、姓名、证件号码、与户主关系、劳动技能……(见模板)",
    back="/households",
    back_title="农户",
    tried=True,
    template="/households/import/template",
)

COMPARISON = TableForm(
    name="comparison",
    title="上传部门比对结果",
    service=_IDENTIFICATION,
    path="/comparisons/{source}/file",
    intro="部门对申请农户家庭成员的比对结果,一人一行;没有发现的填“无”。重复上传不会重复记录。",
    columns="证件号码、比对结果",
    back="/cases",
    back_title="个案",
    fields=(Choice(name="source", label="比对部门", group="Source", required=True),),
)

RECEIPTS = TableForm(
    name="receipts",
    title="上传国家系统回执",
    service=_IDENTIFICATION,
    path="/national-entry/receipts",
    intro="在导出的录入表中填好录入回执号和录入日期后传回;没有回执号的行会跳过,重复上传不会重复记录。",
    columns="个案编号、录入回执号、录入日期、逾期原因",
    back="/national-entry",
    back_title="国家系统录入",
)

FLAG = TableForm(
    name="quarter",
    title="上传季度比对结果",
    service=_ASSISTANCE,
    path="/comparisons/{quarter}",
    intro="每季度与低保、特困人员比对无劳动能力标注的农户,一户一行:下载模板,填好政策后传回。重复上传不会重复记录。",
    columns="农户编号、政策(分散供养、全户低保、部分成员低保、无)",
    template="/comparisons/template",
    back="/ledger",
    back_title="2%台账",
    fields=(Pick(name="quarter", label="季度", source="quarters", required=True),),
)

POPULATION = TableForm(
    name="population",
    title="上传农村户籍人口",
    service=_ASSISTANCE,
    path="/populations/{year}",
    intro="各村当年的农村户籍人口,一村一行,用于计算2%台账的占比:下载模板,填好人口后传回。重复上传以后一次为准。",
    columns="行政区划代码、农村户籍人口",
    template="/populations/template",
    back="/ledger",
    back_title="2%台账",
    fields=(Number(name="year", label="年度", required=True, default="year"),),
)

TABLE_FORMS: tuple[TableForm, ...] = (HOUSEHOLDS, COMPARISON, RECEIPTS, FLAG, POPULATION)

NATIONAL = Form(
    name="national-table",
    title="国家系统录入",
    service=_IDENTIFICATION,
    path="/national-entry/table",
    intro="批准后10日内录入国家系统:导出待录入农户,录入后填好回执号,再把表传回。导出会记入审计。",
    button="导出录入表",
    dated=False,
    fields=(Number(name="limit", label="最多户数", hint="1至500,最急的在前", default="200"),),
)
