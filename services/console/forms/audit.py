"""The gates of a correction, as forms."""

from services.console.forms.fields import (
    Choice,
    Day,
    Files,
    Long,
    Number,
    Rows,
    Signature,
    Text,
    YesNo,
)
from services.console.forms.form import Form

_AUDIT = "audit"
_DOCUMENT = Text(name="document", label="文号", required=True)

SIGNATURE = Signature(
    name="signature",
    label="本人签名",
    hint="点击“用本浏览器的密钥签名”自动填入;也可粘贴dixian sign decision的输出",
    required=True,
)
"""The decider's own, over the statement that the page shows."""

AIM = Form(
    name="correction-aim",
    title="申请更正",
    service=_AUDIT,
    path="/corrections/preview",
    intro="清退、回退和标识调整由市级汇总申请,经市级主要负责同志审核、省级审定、国家备案后统一操作。先选定更正对象,查看影响。",
    done="",
    button="下一步:查看影响",
    fields=(
        Choice(name="kind", label="更正种类", group="CorrectionKind", required=True),
        Rows(
            name="targets",
            label="更正对象",
            hint="在“审计”中查到该事项的记录,点“回退到这一版”可自动填好",
            key="stream_id",
            fields=(
                Choice(name="service", label="所属服务", group="Service"),
                Text(name="stream_id", label="编号"),
                Number(name="version", label="当前版本"),
                Number(name="to_version", label="回退到版本"),
            ),
            add="再加一个对象",
        ),
    ),
    dated=False,
)
"""What a request is about; looking at its effects records nothing but the look."""

CORRECTION = Form(
    name="correction",
    title="申请更正",
    service=_AUDIT,
    path="/corrections",
    intro="请核对下面的影响,确认无误后填写原因并提交。",
    done="更正申请已提交",
    button="提交申请",
    fields=(
        Choice(name="change.flag", label="标识", group="Flag", hint="标识调整时选择"),
        YesNo(name="change.value", label="调整为", yes="标识", no="取消标识"),
        Choice(name="reason", label="原因", group="CorrectionReason", required=True),
        Long(name="words", label="原因说明", required=True, personal=True),
        Files(name="evidence", label="佐证材料", required=True),
    ),
    dated=False,
)
"""Filed after its effects were looked at; kind and targets are what was looked at."""

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

ENROLMENT = Form(
    name="enrolment",
    title="登记签名密钥",
    service=_AUDIT,
    path="/signing-keys",
    intro="更正各环节的决定由决定人用本人的密钥签名。私钥只留在您手中,系统只登记公钥;登记后由系统管理人员当面核验。",
    done="密钥已登记,请系统管理人员当面核验",
    button="登记",
    fields=(
        Text(
            name="public_key",
            label="公钥",
            hint="64位十六进制;点击“在本浏览器生成密钥”自动填入",
            required=True,
        ),
        Signature(
            name="proof",
            label="持有证明",
            hint="用该密钥对登记内容的签名;自动填入,或粘贴dixian sign new-key的输出",
            required=True,
        ),
    ),
    dated=False,
)

KEY_FORMS: tuple[Form, ...] = (
    Form(
        name="confirmation",
        title="核验签名密钥",
        service=_AUDIT,
        path="/signing-keys/{key_id}/confirmation",
        intro="请与本人当面核对公钥,逐段一致再核验。不得核验本人的密钥。",
        done="密钥已核验,可以签名",
        button="已当面核对,核验",
        dated=False,
    ),
    Form(
        name="revocation",
        title="注销签名密钥",
        service=_AUDIT,
        path="/signing-keys/{key_id}/revocation",
        intro="注销后该密钥不能再签名;以前的签名仍然有效。",
        done="密钥已注销",
        button="注销",
        dated=False,
    ),
)
