"""Leads and work orders as forms."""

from services.console.forms.fields import (
    Choice,
    Choices,
    Day,
    Files,
    Long,
    Pick,
    Place,
    Text,
    YesNo,
    Yuan,
)
from services.console.forms.form import Form

_ALERTS = "alerts"
_RISKS = Choices(name="risks", label="风险", group="Risk")

LEAD = Form(
    name="lead",
    title="登记线索",
    service=_ALERTS,
    path="/leads",
    intro="农户自主申报或干部排查发现的风险。登记后自动立案,3天入户核实、15天认定的时限从发现之日起算。",
    done="线索已登记",
    fields=(
        Choice(
            name="source",
            label="来源",
            group="LeadSource",
            required=True,
            only=("SELF_DECLARATION", "CADRE_SCREENING"),
        ),
        Choice(
            name="channel",
            label="申报方式",
            group="Channel",
            only=("PAPER", "AGENT"),
            only_if=("source", "SELF_DECLARATION"),
            required=True,
            hint="自主申报时选择;干部排查不用选",
        ),
        Text(
            name="agent.name",
            label="代办人姓名",
            only_if=("channel", "AGENT"),
            required=True,
            personal=True,
            hint="他人代办时填写",
        ),
        Text(
            name="agent.phone",
            label="代办人电话",
            only_if=("channel", "AGENT"),
            mode="tel",
            personal=True,
            hint="他人代办时填写",
        ),
        Place(name="division", label="所在村", required=True, source="villages"),
        Pick(
            name="household_id",
            label="农户",
            source="households",
            hint="已登记的农户请直接选择;未登记的填写下面的姓名和证件号",
        ),
        Text(name="person.name", label="姓名", personal=True),
        Text(
            name="person.document_number",
            label="证件号码",
            personal=True,
            hint="18位身份证号;与登记簿完全一致的自动对应到户。不清楚可以不填",
        ),
        Text(name="person.phone", label="联系电话", mode="tel", personal=True),
        _RISKS,
        Long(name="text", label="情况说明", personal=True),
        Files(name="evidence", label="佐证照片"),
        Text(name="reference", label="申请书编号", hint="同一编号重复登记只算一条"),
    ),
)

LEAD_FORMS: tuple[Form, ...] = (
    Form(
        name="match",
        step="match",
        title="确认农户",
        service=_ALERTS,
        path="/leads/{lead_id}/match",
        intro="确认这条线索说的是哪一户。证件号码与登记簿完全一致的,系统已自动对应;其余的只给出建议,由您确认。",
        fields=(Pick(name="household_id", label="农户", source="households", required=True),),
    ),
    Form(
        name="disposition",
        step="disposition",
        title="处置线索",
        service=_ALERTS,
        path="/leads/{lead_id}/disposition",
        intro="逐户排查后给出处置结果和原因;不能批量处置,不得以已享受低保为由处置。",
        fields=(
            Choice(
                name="disposition",
                label="处置结果",
                group="LeadDisposition",
                required=True,
                only=("TRACKED", "OUT_OF_SCOPE", "UNFOUNDED"),
            ),
            Choice(name="reason", label="原因", group="DisposalReason", required=True),
            YesNo(name="below_line", label="人均纯收入是否低于监测线", required=True),
            YesNo(name="relocated", label="是否易地扶贫搬迁户", required=True),
            Long(
                name="note",
                label="排查情况",
                required=True,
                personal=True,
                hint="谁、何时入户,发现什么",
            ),
        ),
    ),
    Form(
        name="lead-follow-up",
        step="lead-follow-up",
        title="跟踪线索",
        service=_ALERTS,
        path="/leads/{lead_id}/follow-up",
        fields=(
            YesNo(name="gap_closed", label="问题是否已解决", required=True),
            Long(name="note", label="跟踪情况", required=True, personal=True),
        ),
    ),
)

_NOTE = Long(name="note", label="说明", personal=True)
ORDER_FORMS: tuple[Form, ...] = (
    Form(
        name="assignment",
        step="assignment",
        title="交办",
        service=_ALERTS,
        path="/orders/{order_id}/assignment",
        intro="交办给下级单位;举报件不转原话,必须写明交办要求。",
        fields=(
            Place(name="assignee", label="承办单位", required=True, source="below"),
            Long(name="instruction", label="交办要求", personal=True),
        ),
    ),
    Form(
        name="return",
        title="回退工单",
        service=_ALERTS,
        path="/orders/{order_id}/return",
        intro="不属于本单位的,2个工作日内说明理由回退。",
        fields=(
            Choice(name="reason", label="理由", group="ReturnReason", required=True),
            _NOTE,
        ),
    ),
    Form(
        name="extension",
        title="申请延期",
        service=_ALERTS,
        path="/orders/{order_id}/extension",
        intro="到期前可延期一次。",
        fields=(
            Choice(name="reason", label="理由", group="ExtensionReason", required=True),
            _NOTE,
        ),
    ),
    Form(
        name="handling",
        step="handling",
        title="办理答复",
        service=_ALERTS,
        path="/orders/{order_id}/handling",
        intro="说明办理结果和答复内容,由热线回访来电人。",
        fields=(
            Choice(name="result", label="办理结果", group="OrderResult", required=True),
            Long(name="answer", label="答复内容", required=True, personal=True),
        ),
    ),
    Form(
        name="supervision",
        step="supervision",
        title="督办",
        service=_ALERTS,
        path="/orders/{order_id}/supervision",
        fields=(
            Choice(name="ground", label="督办原因", group="SupervisionGround", required=True),
            Long(name="note", label="督办要求", required=True, personal=True),
        ),
    ),
    Form(
        name="closure",
        step="closure",
        title="办结",
        service=_ALERTS,
        path="/orders/{order_id}/closure",
        intro="审核办理结果,办结后由热线回访评价。",
        button="办结",
        fields=(_NOTE,),
    ),
)

THRESHOLD = Form(
    name="threshold",
    title="设定预警阈值",
    service=_ALERTS,
    path="/feeds/thresholds",
    intro="省级按文件设定某类预警从多少金额起成为线索;自施行之日起算,此前的预警仍按原阈值。",
    done="阈值已设定",
    dated=False,
    fields=(
        Choice(name="feed", label="部门渠道", group="Feed", required=True),
        Choice(name="threshold.type", label="预警种类", group="AlertType", required=True),
        Choice(name="threshold.population", label="适用农户", group="Population", required=True),
        Yuan(name="threshold.amount", label="金额(元)", required=True),
        YesNo(
            name="threshold.inclusive",
            label="达到该金额时",
            required=True,
            yes="达到就算",
            no="超过才算",
        ),
        Day(name="threshold.effective_from", label="施行日期", required=True, default="today"),
        Text(name="threshold.document", label="文号", required=True),
    ),
)
