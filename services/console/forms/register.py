"""The register: a household and everything that can change about it, as forms."""

from services.console.forms.fields import (
    Choice,
    Choices,
    Number,
    Pick,
    Place,
    Rows,
    Text,
    Tick,
)
from services.console.forms.form import Form

_IDENTIFICATION = "identification"
_LABOUR = Choice(name="labour", label="劳动能力", group="Labour", required=True)
_HUKOU = Choice(name="hukou", label="户籍", group="Hukou", required=True, default="RURAL")
_BENEFITS = Choices(name="benefits", label="已享受政策", group="Benefit")
_ADDRESS = Text(name="address", label="住址", required=True, personal=True)
_PHONE = Text(name="phone", label="联系电话", mode="tel", personal=True)
_NUMBER = Text(name="national_number", label="全国系统户编号")
_SITE = Text(name="relocation_site", label="集中安置点及地址", personal=True, hint="搬迁户填写")
_MEMBER = Pick(name="member_id", label="成员", source="members")
_LEADS = Choice(
    name="residence_leads",
    label="由常住地牵头的原因",
    group="ResidenceReason",
    hint="所属村就是户籍地时不用选",
)

_PLACES = (
    Place(name="division", label="所属村", required=True, source="villages"),
    Place(name="hukou_place", label="户籍地", required=True, source="villages"),
    Place(name="residence", label="常住地", required=True, source="villages"),
)
_PERSON = (
    Text(name="name", label="姓名", personal=True),
    Text(
        name="document_number", label="证件号码", personal=True, hint="身份证18位;残疾人证20或22位"
    ),
    Choice(name="relation", label="与户主关系", group="Relation"),
    Choice(name="labour", label="劳动能力", group="Labour"),
    Choice(name="hukou", label="户籍", group="Hukou", default="RURAL"),
    _BENEFITS,
)

REGISTER = Form(
    name="register",
    title="登记农户",
    service=_IDENTIFICATION,
    path="/households",
    intro="姓名、证件号、电话和住址只存入保险库,其他地方一律不出现。第一行填户主。",
    done="农户已登记",
    dated=False,
    fields=(
        *_PLACES,
        _LEADS,
        Choice(name="history", label="农户类型", group="History", required=True),
        Tick(name="relocated", label="易地扶贫搬迁户"),
        Place(name="moved_from", label="迁出地", source="anywhere", hint="搬迁户填写区划代码"),
        _SITE,
        _ADDRESS,
        _PHONE,
        _NUMBER,
        Rows(
            name="members",
            label="家庭成员",
            key="name",
            blank=1,
            fields=_PERSON,
            presets=({"relation": "HEAD"},),
            add="再加一名成员",
        ),
    ),
)

HOUSEHOLD_FORMS: tuple[Form, ...] = (
    Form(
        name="revision",
        title="成员变动",
        service=_IDENTIFICATION,
        path="/households/{household_id}/revision",
        intro="登记新增、减少和情况变化的家庭成员。",
        fields=(
            Rows(
                name="added",
                label="新增成员",
                key="name",
                blank=0,
                fields=_PERSON,
                add="再加一名成员",
            ),
            Rows(
                name="changed",
                label="情况变化",
                blank=0,
                key="member_id",
                fields=(
                    Pick(name="member_id", label="成员", source="members"),
                    _LABOUR,
                    _HUKOU,
                    Tick(name="co_living", label="共同生活、共享收支"),
                    _BENEFITS,
                ),
                add="再加一名成员",
            ),
            Rows(
                name="removed",
                label="减少成员",
                blank=0,
                key="member_id",
                fields=(
                    Pick(name="member_id", label="成员", source="members"),
                    Choice(name="reason", label="原因", group="Leaving"),
                ),
                add="再加一名成员",
            ),
            Pick(name="head", label="新户主", source="members", hint="原户主减少时必须选择"),
        ),
    ),
    Form(
        name="details",
        title="补充采集表信息",
        service=_IDENTIFICATION,
        path="/households/{household_id}/revision",
        intro="按信息采集表补充成员情况、住址和电话;全部存入保险库。没有变化的不用填。",
        fields=(
            Rows(
                name="details",
                label="成员情况",
                key="member_id",
                fields=(
                    _MEMBER,
                    Text(name="details.ethnicity", label="民族"),
                    Choice(name="details.political", label="政治面貌", group="Political"),
                    Choice(name="details.education", label="文化程度", group="Education"),
                    Choice(name="details.at_school", label="在校生状况", group="AtSchool"),
                    Choice(name="details.health", label="健康状况", group="Health"),
                    Text(name="details.workplace", label="务工地点", personal=True),
                    Number(name="details.months_worked", label="务工月数"),
                    Choices(name="details.insurances", label="参保情况", group="Insurance"),
                ),
                add="再加一名成员",
            ),
            Text(name="address", label="住址", personal=True),
            _PHONE,
            _NUMBER,
            _SITE,
        ),
    ),
    Form(
        name="split",
        title="分户",
        service=_IDENTIFICATION,
        path="/households/{household_id}/split",
        intro="部分成员另立一户;个案和帮扶计划留在原户。分出的第一人为新户户主。",
        fields=(
            Rows(
                name="members",
                label="分出的成员",
                key="member_id",
                fields=(_MEMBER, Choice(name="relation", label="与户主关系", group="Relation")),
                presets=({"relation": "HEAD"},),
                add="再加一名成员",
            ),
            Pick(
                name="remaining_head",
                label="原户的新户主",
                source="members",
                hint="原户主分出时必须选择",
            ),
            Place(name="division", label="新户所属村", source="villages", hint="不变的不用选"),
            Place(name="residence", label="新户常住地", source="villages", hint="不变的不用选"),
            Place(name="hukou_place", label="新户户籍地", source="villages", hint="不变的不用选"),
            _LEADS,
            _ADDRESS,
            _PHONE,
        ),
    ),
    Form(
        name="merge",
        title="并户",
        service=_IDENTIFICATION,
        path="/households/{household_id}/merge",
        intro="把另一户的成员并入本户。",
        fields=(
            Pick(name="absorbed_id", label="并入的农户", source="households", required=True),
            Rows(
                name="relations",
                label="与本户户主的关系",
                key="member_id",
                hint="不填的记为“其他”",
                fields=(
                    Text(name="member_id", label="成员编号"),
                    Choice(name="relation", label="与户主关系", group="Relation"),
                ),
                add="再加一名成员",
            ),
        ),
    ),
    Form(
        name="move",
        title="转移属地",
        service=_IDENTIFICATION,
        path="/households/{household_id}/move",
        intro="把农户转到另一个村管理。",
        fields=(
            Place(name="division", label="转入村", required=True, source="villages"),
            Place(name="residence", label="常住地", required=True, source="villages"),
        ),
    ),
)
