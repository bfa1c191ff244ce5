"""The tour: households at every step, so that everybody has something to do when they sign in.

Everything comes about through the same acts as the demo's story, over HTTP, by the people whose
acts they are; the business clock is moved forward, openly, by some nine months.
"""

import io
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from dixian.demo import assist, identify, reports, rollback
from dixian.demo.client import Addresses, Client
from dixian.demo.people import family
from dixian.demo.screen import Screen
from dixian.demo.story import Json, Story, evidence
from dixian.demo.tell import begin
from dixian.people import COUNTY, OTHER_COUNTY, OTHER_VILLAGE, PEOPLE, TOWN, VILLAGE
from shared.policy.legal_time import after

Act = Callable[[Story], None]
_TO_VERIFIED: Sequence[Act] = (
    identify.officers,
    identify.authorization,
    identify.verification,
)
_TO_REVIEWED: Sequence[Act] = (
    *_TO_VERIFIED,
    identify.comparison,
    identify.deliberation,
    identify.town_review,
)
_UNDER_WAY: Sequence[tuple[str, Sequence[Act]]] = (
    ("赵", ()),
    ("钱", (identify.officers,)),
    ("孙", _TO_VERIFIED),
    ("周", (*_TO_VERIFIED, identify.comparison, identify.deliberation)),
    ("吴", _TO_REVIEWED),
)
"""Families of the last days, each a step further than the one before."""
_POSTED = ("郑", "王", "冯", "陈")
"""Families whose notices hang; what happens to each once the five days are over comes after."""


def prepare(addresses: Addresses, console: Console, *, patience: float) -> None:
    """Fill the system. Raises ``Answered``, ``GaveUp`` or ``AssertionError`` if it cannot."""
    client = Client(uuid4(), addresses, patience=patience)
    with client.http, console.status("preparing the tour ..."):
        fill(client)
    show(console)


def fill(client: Client) -> None:
    """Everything there is to see, from the oldest to the newest."""
    silent = Screen(Console(file=io.StringIO(), width=160))
    first = begin(client, silent)
    reports.policy(first)
    _to_the_half_year(first)
    posted = [_family(client, silent, name, _TO_REVIEWED) for name in _POSTED]
    for story in posted:
        identify.notice(story)
    early = _family(client, silent, "卫", ())
    early.at_date(early.today + timedelta(days=8))
    _concluded(posted, early)
    for name, acts in _UNDER_WAY:
        _family(client, silent, name, acts)
    _elsewhere(client, silent)
    _hotline(early)
    _unmatched(early)
    _corrections([*posted[1:], first])


def _to_the_half_year(story: Story) -> None:
    """One household is helped for half a year; its elimination is proposed and verified."""
    reports.register(story)
    reports.leads(story)
    identify.fieldwork(story)
    identify.procedure(story)
    assist.assistance(story)
    half_a_year = after(story.first + timedelta(days=11), "6m")
    story.at_date(half_a_year + timedelta(days=8))
    reports.publish(story)
    story.at_date(half_a_year + timedelta(days=9))
    assist.propose(story)


def _family(client: Client, screen: Screen, surname: str, acts: Sequence[Act]) -> Story:
    """A family in the register, its lead, its case, and the first acts on it."""
    story = begin(client, screen)
    story.people = family(surname)
    reports.register(story)
    body = {
        "source": "CADRE_SCREENING",
        "division": VILLAGE,
        "household_id": story.household,
        "risks": ["ILLNESS"],
        "text": "走访时发现老人透析,支出较大。",
    }
    receipt = story.do("village-officer", "干部排查登记线索", "alerts", "/leads", body)
    story.case = client.eventually("the case", lambda: _case_of(story, receipt["id"]))
    for act in acts:
        act(story)
    return story


def _case_of(story: Story, lead: str) -> str | None:
    found = story.client.get("county-officer", "alerts", f"/leads/{lead}")
    return found["case_id"] or None


def _concluded(posted: Sequence[Story], now: Story) -> None:
    """Eight days on: one notice is still to be closed, one case to be approved, two go on."""
    for story in posted:
        story.today = now.today
    _still_hanging, to_approve, to_plan, planned = posted
    for story in (to_approve, to_plan, planned):
        identify.publicity(story)
    for story in (to_plan, planned):
        identify.approval(story)
        story.plan = story.client.eventually("the plan", partial(assist.plan_of, story))
    assist.draft(planned)
    assist.file_aid(planned)


def _elsewhere(client: Client, screen: Screen) -> None:
    """A household of the next village, for its own officer."""
    story = begin(client, screen)
    body = reports.household(family("褚")) | dict.fromkeys(
        ("division", "hukou_place", "residence"), OTHER_VILLAGE
    )
    client.act("other-village-officer", "identification", "/officers/me")
    household = story.do("other-village-officer", "登记农户", "identification", "/households", body)
    lead = {
        "source": "SELF_DECLARATION",
        "channel": "PAPER",
        "division": OTHER_VILLAGE,
        "household_id": household["id"],
        "risks": ["SCHOOLING"],
    }
    story.client.eventually("alerts hearing of it", lambda: reports.heard(story) or None)
    receipt = story.do("other-village-officer", "自主申报", "alerts", "/leads", lead)
    case = story.client.eventually("the case", lambda: _case_of(story, receipt["id"]))
    officers = {
        "village_officer": "person:other-village-officer",
        "town_officer": "person:town-officer",
    }
    path = f"/cases/{case}/officers"
    story.do("town-officer", "明确村镇责任人", "identification", path, officers)


def _hotline(story: Story) -> None:
    """Three calls: one to be assigned, one at the town, one at the village."""
    for number, assignee in enumerate((None, TOWN, VILLAGE), start=1):
        order = story.do(
            "machine:hotline",
            "12317咨询",
            "alerts",
            "/orders",
            {
                "order_no": f"TOUR{story.client.run.hex[:10].upper()}{number}",
                "kind": "CONSULT",
                "called_on": story.today.isoformat(),
                "division": COUNTY,
                "caller": {"name": "来电人", "phone": "13805310018"},
                "text": "想了解申请监测帮扶需要什么材料。",
            },
        )
        if assignee:
            body = {"assignee": assignee, "instruction": "请答复来电人"}
            path = f"/orders/{order['id']}/assignment"
            story.do("county-officer", "交办工单", "alerts", path, body)


def _unmatched(story: Story) -> None:
    """Alerts about people that nobody has registered: one here, one in the other county."""
    for number, county in enumerate((COUNTY, OTHER_COUNTY)):
        person = family("蒋")[3]
        story.do(
            "machine:medical-insurance",
            "医保预警:未登记人员",
            "alerts",
            "/alerts",
            {
                "feed": "medical-insurance",
                "external_id": f"TOUR-{story.client.run.hex[:10]}-{number}",
                "type": "MEDICAL_YEAR",
                "person": {"name": person.name, "document_number": person.number},
                "division": county,
                "amount": 2_600_000,
                "period": f"{story.today:%Y-%m}",
                "happened_on": story.today.isoformat(),
            },
        )


def _corrections(stories: Sequence[Story]) -> None:
    """Three requests, each at another gate; and a key that an administrator is to confirm."""
    gates = (
        ("city-principal", "city-review", "济农函〔2024〕6号"),
        ("province-principal", "province-approval", "鲁农函〔2024〕12号"),
    )
    rollback.keys(stories[0])
    for passed, story in enumerate(stories[:3]):
        correction = _filed(story)
        for who, gate, document in gates[:passed]:
            rollback.signed(story, correction, who, "更正审核", gate, {"document": document})
    rollback.enrolled(stories[0], "city-officer")


def _filed(story: Story) -> str:
    """The city files a rollback of a case to where it was before its last act."""
    case = story.client.get("county-officer", "identification", f"/cases/{story.case}")
    known = story.client.eventually("the log knowing the case", lambda: _audited(story, case))
    body = {
        "kind": "ROLLBACK",
        "targets": [
            {
                "service": "identification",
                "stream_id": story.case,
                "version": known,
                "to_version": known - 1,
            }
        ],
        "reason": "WRONG_ENTRY",
        "words": "最后一步登记有误,申请回退。",
        "evidence": [evidence("correction")],
    }
    return str(story.do("city-officer", "申请回退", "audit", "/corrections", body)["id"])


def _audited(story: Story, case: Json) -> int | None:
    page = story.client.get("inspector", "audit", "/entries", stream=story.case, limit=1)
    newest = page["items"][0]["version"] if page["items"] else 0
    return int(newest) if newest >= case["version"] else None


def show(console: Console) -> None:
    """Say who can do what now."""
    table = Table(box=None, header_style="dim")
    table.add_column("sign in as", no_wrap=True)
    table.add_column("to", overflow="fold")
    posts = {person.username: person.post for person in PEOPLE}
    for username, what in _TO_DO:
        table.add_row(f"{username}  {posts[username]}", what)
    console.print("\n[bold]The tour is ready.[/] Open the console and sign in as one of them:\n")
    console.print(table)


_TO_DO = (
    ("village-officer", "入户核实、民主评议、张贴公示、公示期满、帮扶计划、风险消除评议"),
    ("town-officer", "明确专人、镇级审核、办理工单、落实措施"),
    ("county-officer", "信息比对、公告、录入系统、交办工单、确认线索农户"),
    ("county-committee", "县级批准"),
    ("medical-officer", "落实医疗救助"),
    ("city-officer", "看板;申请更正"),
    ("city-principal", "审核更正"),
    ("province-officer", "审定更正、登记国家备案;看板"),
    ("inspector", "审计:谁、何时、依据什么,并核验证明"),
)
