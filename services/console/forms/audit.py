"""The gates of a correction, as forms."""

from services.console.forms.fields import Choice, Day, Files, Long, Number, Rows, Text, YesNo
from services.console.forms.form import Form

_AUDIT = "audit"
_DOCUMENT = Text(name="document", label="文号", required=True)

SIGNATURE = Text(name="signature", label="本人签名", hint="用本人密钥对待签内容签名,128位十六进制")
"""Asked for where the gate wants the decider's own signature."""

CORRECTION = Form(
    name="correction",
    title="申请更正",
    service=_AUDIT,
    path="/corrections",
    intro="清退、回退和标识调整由市级汇总申请,经市级主要负责同志审核、省级审定、国家备案后统一操作。",
    done="更正申请已提交",
    button="提交申请",
    fields=(
        Choice(name="kind", label="更正种类", group="CorrectionKind", required=True),
        Rows(
            name="targets",
            label="更正对象",
            key="stream_id",
            fields=(
                Choice(name="service", label="所属服务", group="Service"),
                Text(name="stream_id", label="编号"),
                Number(name="version", label="当前版本"),
                Number(name="to_version", label="回退到版本"),
            ),
            add="再加一个对象",
        ),
        Choice(name="change.flag", label="标识", group="Flag", hint="标识调整时选择"),
        YesNo(name="change.value", label="调整为", yes="标识", no="取消标识"),
        Choice(name="reason", label="原因", group="CorrectionReason", required=True),
        Long(name="words", label="原因说明", required=True, personal=True),
        Files(name="evidence", label="佐证材料", required=True),
    ),
    dated=False,
)

CORRECTION_FORMS: tuple[Form, ...] = (
    Form(
        name="city-review",
        step="CITY",
        title="市级主要负责同志审核",
        service=_AUDIT,
        path="/corrections/{correction_id}/city-review",
        intro="请核对申请内容。您的决定只对这一份内容有效,内容变化须重新申请。",
        button="审核同意",
        fields=(_DOCUMENT, SIGNATURE),
        dated=False,
    ),
    Form(
        name="province-approval",
        step="PROVINCE",
        title="省级审定",
        service=_AUDIT,
        path="/corrections/{correction_id}/province-approval",
        intro="请核对申请内容和市级审核意见。",
        button="审定同意",
        fields=(_DOCUMENT, SIGNATURE),
        dated=False,
    ),
    Form(
        name="national-filing",
        step="NATION",
        title="国家备案",
        service=_AUDIT,
        path="/corrections/{correction_id}/national-filing",
        intro="登记国家书面同意备案的文号。登记后由原业务服务统一执行。",
        button="登记备案",
        fields=(
            Text(name="letter", label="省级申请文号", required=True),
            Text(name="document", label="国家备案号", required=True),
            Day(name="filed_on", label="备案日期", required=True, default="today"),
            SIGNATURE,
        ),
        dated=False,
    ),
    Form(
        name="correction-refusal",
        title="不同意更正",
        service=_AUDIT,
        path="/corrections/{correction_id}/refusal",
        button="不同意",
        fields=(
            Choice(name="because", label="原因", group="RefusedBecause", required=True),
            SIGNATURE,
        ),
        dated=False,
    ),
)
