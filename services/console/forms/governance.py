"""What committees and offices above the village record: delegations, joint meetings, mergings."""

from services.console.forms.fields import Choices, Day, Long, Text
from services.console.forms.form import Form

_IDENTIFICATION = "identification"

GRANT = Form(
    name="delegation",
    title="授权批准",
    service=_IDENTIFICATION,
    path="/delegations",
    intro="县委农业农村委员会授权指定人员在期限内代为批准;授权须有文号,到期自动失效。",
    done="授权已登记",
    fields=(
        Text(
            name="holder",
            label="被授权人",
            hint="登录账号,例如person:county-delegate",
            required=True,
        ),
        Text(name="document", label="文号", required=True),
        Day(name="valid_from", label="授权开始", required=True, default="today"),
        Day(name="valid_until", label="授权截止", hint="授权有效的最后一天", required=True),
    ),
)

REVOKE = Form(
    name="revocation",
    title="收回授权",
    service=_IDENTIFICATION,
    path="/delegations/{delegation_id}/revocation",
    intro="收回后被授权人不能再批准;此前的批准仍然有效。",
    done="授权已收回",
    fields=(Long(name="note", label="收回原因", required=True, personal=True),),
)

MEETING = Form(
    name="joint-meeting",
    title="登记联席会议",
    service=_IDENTIFICATION,
    path="/joint-meetings",
    intro="登记部门会商:哪些单位参加、议了什么。纪要写入保险库。",
    done="会议已登记",
    fields=(
        Choices(name="organisations", label="参会单位", group="Organisation", required=True),
        Choices(name="subjects", label="议题", group="Subject", required=True),
        Long(name="minutes", label="会议纪要", required=True, personal=True),
    ),
)

MERGING = Form(
    name="policy-merging",
    title="登记政策并轨",
    service=_IDENTIFICATION,
    path="/policy-mergings",
    intro="登记本地将监测对象和低收入人口的政策合并实施。",
    done="政策并轨已登记",
    fields=(
        Text(name="document", label="文号", required=True),
        Choices(name="benefits", label="合并实施的人群", group="Benefit", required=True),
        Day(name="effective_from", label="施行日期", required=True, default="today"),
        Long(name="note", label="主要内容", required=True, personal=True),
    ),
)

GOVERNANCE_FORMS: tuple[Form, ...] = (GRANT, MEETING, MERGING)
