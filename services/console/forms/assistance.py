"""Plans, measures, eliminations and the registers, as forms."""

from services.console.forms.fields import (
    Choice,
    Choices,
    Day,
    Files,
    Long,
    Number,
    Pick,
    Picks,
    Place,
    Rows,
    Text,
    Tick,
    Words,
    YesNo,
    Yuan,
)
from services.console.forms.form import SHEETS, Form

_ASSISTANCE = "assistance"
_RESPONSIBLE = Words(
    name="officers",
    label="责任人",
    required=True,
    suggest="officers",
    default="me",
    hint="填写登录账号,多人用空格隔开",
)
_EVIDENCE = Files(name="evidence", label="佐证照片", required=True)
_INCOME = (
    Yuan(name="income.wage_income", label="工资性收入(元)"),
    Yuan(name="income.operating_income", label="生产经营性收入(元)"),
    Yuan(name="income.transfer_income", label="转移性收入(元)"),
    Yuan(name="income.property_income", label="财产性收入(元)"),
    Yuan(name="income.operating_expense", label="生产经营性支出(元)"),
    Number(name="income.members", label="家庭人口", required=True),
    Files(name="income.evidence", label="收入佐证", required=True),
)

BEGIN = Form(
    name="begin-plan",
    title="提前制定帮扶计划",
    service=_ASSISTANCE,
    path="/plans",
    intro="帮扶计划可与识别同步制定,批准后才能实施。",
    button="开始制定",
)

PLAN_FORMS: tuple[Form, ...] = (
    Form(
        name="draft",
        step="draft",
        title="制定帮扶计划",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/draft",
        intro="逐项风险写明措施或没有措施的理由;有劳动能力、有意愿的,至少一项开发式帮扶措施。",
        fields=(
            YesNo(name="willing", label="是否有发展意愿", required=True),
            Day(
                name="willingness_signed_on", label="意愿书签字日期", required=True, default="today"
            ),
            Files(name="willingness_evidence", label="意愿书照片", required=True, many=False),
            Rows(
                name="responses",
                label="逐项风险",
                key="risk",
                blank=2,
                fields=(
                    Choice(name="risk", label="风险", group="Risk"),
                    Choices(name="kinds", label="措施", group="MeasureKind"),
                    Choice(name="reason", label="没有措施的理由", group="NoMeasureReason"),
                ),
                add="再加一项风险",
            ),
            Choice(
                name="safety_net_reason",
                label="没有兜底保障的理由",
                group="NoMeasureReason",
                hint="无劳动能力户没有兜底措施时选择",
            ),
            Choices(name="attempts", label="弱劳力、半劳力尝试的措施", group="MeasureKind"),
        ),
    ),
    Form(
        name="measure",
        step="measure",
        title="申报措施",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/measures",
        intro="申报一项帮扶措施。发展类补贴按产出核定,多干多补、不干不补。",
        fields=(
            Choice(name="terms.kind", label="措施", group="MeasureKind", required=True),
            Choice(name="terms.fund", label="资金来源", group="FundSource", required=True),
            Choice(name="terms.department", label="落实部门", group="Department", required=True),
            Choices(name="terms.risks", label="针对风险", group="Risk", required=True),
            Yuan(name="terms.amount", label="计划金额(元)"),
            Yuan(name="terms.rate", label="每单位产出补助(元)", hint="按产出补助的填写"),
            Day(name="terms.ends_on", label="到期日", hint="有合同、协议或学段的必须填写"),
            Picks(
                name="terms.member_ids", label="受益成员", source="members", hint="针对全户的不用选"
            ),
            Tick(name="terms.leads_to_work", label="培训后能就业或发展生产"),
            Tick(name="terms.takes_part", label="农户参与生产、经营或管理"),
            Tick(name="terms.cross_province", label="跨省务工"),
            YesNo(name="terms.to_household", label="是否到人到户项目", required=True),
        ),
    ),
    Form(
        name="submission",
        step="submission",
        title="提交帮扶计划",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/submission",
        intro="批准后10天内提交。缺少措施的计划不能提交,系统会说明缺什么。",
        button="提交计划",
    ),
    Form(
        name="early-elimination",
        title="同意提前消除",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/early-elimination",
        intro="帮扶消除原则上不少于半年;确需提前的,由委员会说明理由。",
        fields=(
            Text(name="authority", label="文号", required=True),
            Long(name="note", label="理由", required=True, personal=True),
        ),
    ),
    Form(
        name="proposal",
        step="proposal",
        title="提出风险消除",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/eliminations",
        intro="收入稳定超过监测线、“三保障”和饮水安全持续巩固、风险稳定消除、没有新的风险,才能提出。",
        fields=(
            Choice(name="mode", label="消除方式", group="EliminationMode", required=True),
            Choice(name="cause", label="自然消除原因", group="NaturalCause", hint="自然消除时选择"),
            *_INCOME,
            Rows(
                name="guarantees",
                label="“三保障”和饮水安全",
                key="gap",
                blank=0,
                presets=(
                    {"gap": "COMPULSORY_EDUCATION"},
                    {"gap": "BASIC_MEDICAL"},
                    {"gap": "HOUSING"},
                    {"gap": "SAFE_WATER"},
                ),
                fields=(
                    Choice(name="gap", label="项目", group="Gap"),
                    Tick(name="secured", label="已保障"),
                    Files(name="evidence", label="佐证"),
                ),
            ),
            Rows(
                name="risks",
                label="识别时的风险",
                key="risk",
                fields=(
                    Choice(name="risk", label="风险", group="Risk"),
                    Tick(name="gone", label="已消除"),
                    Files(name="evidence", label="佐证"),
                ),
                add="再加一项风险",
            ),
            YesNo(name="no_new_risk", label="没有新的风险", required=True, yes="没有", no="有"),
        ),
    ),
    Form(
        name="refresh",
        step="refresh",
        title="年度信息更新",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/refreshes",
        intro="风险消除后每年更新一次收入信息,发现新的风险重新识别。",
        fields=(
            Number(name="year", label="年度", required=True, default="year"),
            *_INCOME,
            YesNo(name="new_risk", label="是否有新的风险", required=True),
        ),
    ),
    Form(
        name="no-labour",
        title="提出整户无劳动能力标识",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/no-labour",
        fields=(
            Choice(name="basis", label="依据", group="NoLabourBasis", required=True),
            YesNo(name="nobody_can_work", label="全户是否都无劳动能力", required=True),
            _EVIDENCE,
        ),
    ),
    Form(
        name="no-labour-confirmation",
        title="确认整户无劳动能力标识",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/no-labour/confirmation",
        button="确认标识",
    ),
    Form(
        name="no-labour-removal",
        title="取消拟标识",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/no-labour/removal",
        intro="已正式标识的,只能经市、省、国家逐级更正。",
        button="取消",
    ),
)

MEASURE_FORMS: tuple[Form, ...] = (
    Form(
        name="start",
        step="start",
        title="开始实施",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/measures/{measure_id}/start",
        intro="措施已经落实到户。",
        button="已开始实施",
    ),
    Form(
        name="output",
        title="登记产出和补助",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/measures/{measure_id}/output",
        intro="发展类补贴按产出计算金额,不用填金额。",
        fields=(
            Number(name="quantity", label="产出数量", default="0"),
            Yuan(name="amount", label="到户金额(元)"),
            _EVIDENCE,
        ),
    ),
    Form(
        name="stop",
        title="中止措施",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/measures/{measure_id}/stop",
        intro="风险消除不是中止措施的理由。",
        fields=(
            Choice(name="reason", label="原因", group="StopReason", required=True),
            Long(name="note", label="说明", required=True, personal=True),
        ),
    ),
    Form(
        name="end",
        title="措施期满",
        service=_ASSISTANCE,
        path="/plans/{plan_id}/measures/{measure_id}/end",
        button="登记期满",
    ),
)

ANSWER = Form(
    name="elimination-answer",
    step="answer-objection",
    title="答复消除异议",
    service=_ASSISTANCE,
    path="/eliminations/{elimination_id}/objections/{objection_id}/answer",
    fields=(
        YesNo(name="upheld", label="异议是否成立", required=True, yes="成立", no="不成立"),
        Tick(name="changed", label="公示内容有变化,需重新公示"),
        Long(name="answer", label="答复内容", required=True, personal=True),
    ),
)

ELIMINATION_FORMS: tuple[Form, ...] = (
    Form(
        name="verify",
        step="verify",
        title="消除前入户核实",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/verification",
        fields=(
            _RESPONSIBLE,
            YesNo(
                name="confirmed", label="四项条件是否属实", required=True, yes="属实", no="不属实"
            ),
            _EVIDENCE,
        ),
    ),
    Form(
        name="deliberate",
        step="deliberate",
        title="消除民主评议",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/deliberation",
        fields=(
            Choice(name="form", label="会议形式", group="MeetingForm", required=True),
            Number(name="due", label="应到人数", required=True),
            Number(name="present", label="实到人数", required=True),
            Number(name="in_favour", label="同意", required=True),
            Number(name="against", label="不同意", required=True),
            Long(name="minutes", label="会议记录", required=True, personal=True),
        ),
    ),
    Form(
        name="review",
        step="review",
        title="消除镇级审核",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/review",
        fields=(
            _RESPONSIBLE,
            YesNo(name="passed", label="审核意见", required=True, yes="通过", no="退回"),
            Long(name="feedback", label="反馈意见", required=True, personal=True),
        ),
    ),
    Form(
        name="post",
        step="post",
        title="张贴消除公示",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/notice",
        intro="先打印公示并张贴,再拍照登记。公示5个整天,张贴当天不计。",
        trials=SHEETS,
        fields=(
            Text(name="notice_no", label="公示编号", required=True),
            Long(
                name="text",
                label="公示内容",
                required=True,
                hint="会公开张贴:不得出现证件号、手机号、账号和病情",
            ),
            Files(name="photo", label="张贴照片", required=True, many=False),
        ),
    ),
    Form(
        name="elimination-objection",
        title="登记消除异议",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/objections",
        fields=(Long(name="statement", label="异议内容", required=True, personal=True),),
    ),
    ANSWER,
    Form(
        name="publicize",
        step="publicize",
        title="消除公示期满",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/notice/close",
        intro="公示满5天且没有未答复的异议。",
        button="登记公示期满",
    ),
    Form(
        name="approve",
        step="approve",
        title="批准风险消除",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/approval",
        fields=(
            YesNo(name="approved", label="是否批准", required=True, yes="批准", no="不批准"),
            Text(name="authority", label="文号", required=True),
            Long(name="note", label="不批准的理由", personal=True),
        ),
    ),
    Form(
        name="announce",
        step="announce",
        title="消除公告",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/announcement",
        fields=(
            Text(name="notice_no", label="公告编号", required=True),
            Long(name="text", label="公告内容", required=True),
        ),
    ),
    Form(
        name="mark",
        step="mark",
        title="系统标注",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/marking",
        fields=(Text(name="receipt", label="系统回执号", required=True),),
    ),
    Form(
        name="withdrawal",
        title="撤回消除申请",
        service=_ASSISTANCE,
        path="/eliminations/{elimination_id}/withdrawal",
        fields=(Long(name="note", label="理由", required=True, personal=True),),
    ),
)

HELP = Form(
    name="help",
    title="登记普惠性帮扶",
    service=_ASSISTANCE,
    path="/help",
    intro="对未纳入监测的农户,只能登记普惠性政策;其他帮扶会被拒绝并列入“体外循环”线索。",
    fields=(
        Pick(name="household_id", label="农户", source="households", required=True),
        Place(name="division", label="所在村", required=True, source="villages"),
        Choice(name="kind", label="措施", group="MeasureKind", required=True),
        Choice(name="fund", label="资金来源", group="FundSource", required=True),
        YesNo(name="universal", label="是否普惠性政策", required=True),
    ),
)

LEDGER = Form(
    name="ledger",
    title="更新镇级台账",
    service=_ASSISTANCE,
    path="/ledger",
    intro="核对全镇和各村未消除风险人口占比,超过2%的进入台账;只用于跟踪,不限制识别。",
    button="更新台账",
    fields=(Place(name="town", label="镇", required=True, source="towns"),),
)

REVIEW = Form(
    name="review",
    title="县级核查台账",
    service=_ASSISTANCE,
    path="/ledger/reviews",
    intro="每月核查镇级台账:台账内农户都要落实帮扶措施,并排查有无规模性返贫风险;有风险的上报市级。",
    button="核查完毕",
    done="台账核查已登记",
    fields=(
        Place(name="town", label="镇", required=True, source="towns"),
        YesNo(
            name="mass_relapse_risk",
            label="规模性返贫风险",
            required=True,
            yes="有风险",
            no="没有风险",
        ),
        Files(name="evidence", label="核查报告", required=True),
    ),
)

LEDGER_FORMS: tuple[Form, ...] = (LEDGER, REVIEW)
