"""The beginning: the year's line, the register, a call and an alert."""

from collections.abc import Iterable
from datetime import date

from dixian.demo.client import Answered
from dixian.demo.people import Relative, family
from dixian.demo.story import Json, Story
from dixian.people import COUNTY, PROVINCE, VILLAGE
from shared.kernel.money import yuan
from shared.policy.working_days import known_until


def policy(story: Story) -> None:
    """The province publishes the year's line, if it has not done so."""
    story.screen.chapter("0 政策参数 · the province publishes its parameters")
    publish(story)


def publish(story: Story) -> None:
    """See to it that a line is in force for the year it is, and that the story's days are known."""
    year, known = story.today.year, in_force(story)
    parameters = known.get("parameters", {})
    lines, years = parameters.get("monitoring_line", {}), parameters.get("working_years", {})
    wanted = [item for item in _years_of(story) if str(item) not in years]
    if str(year) in lines and not wanted:
        story.screen.note(f"{year}年监测线已发布: {yuan(lines[str(year)])}元 is in force")
        return
    lines = {str(year): 800_000 + (year - 2023) * 50_000, **lines}
    years = {**years, **{str(item): _made_up(item) for item in wanted}}
    body = {
        "policy": {
            "version": _next_version(known.get("version", ""), year),
            "document": f"鲁演示发〔{year}〕1号",
            "division": PROVINCE,
            "effective_from": story.today.isoformat(),
            "parameters": {
                "monitoring_line": lines,
                "county_rural_mean": {COUNTY: 2_200_000},
                "working_years": years,
            },
        }
    }
    what = f"发布{year}年监测线 {yuan(lines[str(year)])}元"
    if wanted:
        what += f"及{'、'.join(map(str, wanted))}年工作日历(演示用,非国务院通知)"
    story.do("province-officer", what, "identification", "/policy", body)


def _years_of(story: Story) -> list[int]:
    """The years whose working days the story's clocks need, and nobody has published yet."""
    known = known_until(story.today)
    last = story.today.year + 1
    return [year for year in range(story.today.year, last + 1) if not known or year > known.year]


def _made_up(year: int) -> Json:
    """A calendar for a story in a year of which there is no notice; it says so itself."""
    fixed = [(1, 1), (5, 1), (5, 2), (5, 3), (5, 4), (5, 5), *((10, day) for day in range(1, 8))]
    return {
        "document": f"演示日历〔{year}〕非国务院通知",
        "holidays": [date(year, month, day).isoformat() for month, day in fixed],
    }


def _next_version(known: str, year: int) -> str:
    """``37/2026-1``, and ``37/2026-2`` after it."""
    beginning = f"{PROVINCE}/{year}-"
    number = int(known.removeprefix(beginning)) if known.startswith(beginning) else 0
    return f"{beginning}{number + 1}"


def in_force(story: Story) -> Json:
    """The policy in force today; nothing before the first publication."""
    try:
        return story.client.get("province-officer", "identification", "/policy", division=PROVINCE)
    except Answered as answer:
        if answer.problem.get("code") != "no-policy-in-force":
            raise
        return {}


def register(story: Story) -> None:
    """The household stands in the register; its people are in the vault."""
    story.screen.chapter("1 农户登记 · the household register")
    receipt = _registered(story)
    story.household = receipt["id"]
    path = f"/households/{story.household}"
    shown = story.client.get("village-officer", "identification", path)
    story.members = shown["members"]
    people = [item["person"] for item in story.members]
    masked = [f"{person['name']} {person['document_number']}" for person in people]
    story.screen.facts("村干部看到的(已脱敏)· what the officer sees, masked", masked)
    story.client.eventually("alerts hearing of the household", lambda: heard(story) or None)


def _registered(story: Story) -> Json:
    """The receipt; where somebody of the family is in the register already, another one comes."""
    while True:
        try:
            return story.do(
                "village-officer",
                "登记农户(姓名、证件号只进保险库)",
                "identification",
                "/households",
                household(story.people),
            )
        except Answered as answer:
            if answer.problem.get("code") != "document-registered":
                raise
            story.people = family()


def household(people: Iterable[Relative]) -> Json:
    """A family as the village sends it to the register."""
    return {
        "division": VILLAGE,
        "hukou_place": VILLAGE,
        "residence": VILLAGE,
        "history": "FORMERLY_POOR",
        "address": "蒲秋村幸福街17号",
        "phone": "13805310017",
        "members": [
            {
                "name": member.name,
                "document_number": member.number,
                "relation": member.relation,
                "labour": member.labour,
            }
            for member in people
        ],
    }


def heard(story: Story) -> bool:
    """Whether alerts has taken in all that identification has recorded.

    A report for a household that it does not know yet would find nobody.
    """
    shown = [story.client.get("operator", name, "/health") for name in ("alerts", "identification")]
    heard, told = (item["reconciliation"] for item in shown)
    received = heard["received"].get("dixian.identification", {"events": 0})
    return bool(received["events"] >= told["recorded"])


def leads(story: Story) -> None:
    """A call to 12317 and an alert of the medical insurance: two leads, one case."""
    story.screen.chapter("2 风险线索 · two leads, one case")
    order = story.do(
        "machine:hotline",
        "12317申报:老人透析,钱不够",
        "alerts",
        "/orders",
        {
            "order_no": f"DEMO{story.client.run.hex[:12].upper()}",
            "kind": "APPLY",
            "called_on": story.day(0),
            "division": VILLAGE,
            "caller": {
                "name": story.people[0].name,
                "document_number": story.people[0].number,
                "phone": "13805310017",
            },
            "text": "老母亲长期透析,今年自付一万八,家里撑不住了,想申请监测帮扶。",
            "risks": ["ILLNESS"],
        },
    )
    story.order = order["id"]
    alert = story.do(
        "machine:medical-insurance",
        "医保预警:自付18,000元,超过阈值",
        "alerts",
        "/alerts",
        {
            "feed": "medical-insurance",
            "external_id": f"MI-{story.client.run.hex[:12]}",
            "type": "MEDICAL_YEAR",
            "person": {"name": story.people[3].name, "document_number": story.people[3].number},
            "division": COUNTY,
            "amount": 1_800_000,
            "period": f"{story.today:%Y-%m}",
            "happened_on": story.day(0),
        },
    )
    story.leads = [_lead_of(order), _lead_of(alert)]
    dispositions = [_disposed(story, lead) for lead in story.leads]
    cases = {item["case_id"] for item in dispositions}
    assert len(cases) == 1, f"two cases for one household: {cases}"
    story.case = cases.pop()
    story.screen.facts(
        "两条线索,一个个案 · two leads, one case",
        [f"{item['disposition']:16} lead {item['id']}" for item in dispositions]
        + [f"case {story.case}"],
    )
    shown = story.client.get("village-officer", "identification", f"/cases/{story.case}")
    running = shown["deadlines"]
    story.screen.clocks(f"{run['kind']} ({run['rule']}): {run['explained']}" for run in running)


def _lead_of(receipt: Json) -> str:
    for item in receipt["events"]:
        if item["data"].get("lead_id"):
            return str(item["data"]["lead_id"])
    raise AssertionError("no lead came of it")


def _disposed(story: Story, lead: str) -> Json:
    def look() -> Json | None:
        shown = story.client.get("county-officer", "alerts", f"/leads/{lead}")
        return shown if shown.get("case_id") else None

    return story.client.eventually(f"the disposition of lead {lead}", look)
