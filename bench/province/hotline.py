"""The year's calls at 12317: accepted, assigned, returned or handled, closed, rated."""

from dataclasses import dataclass
from datetime import date
from random import Random

from bench.province.hands import Hands, Json
from bench.province.stories import OFFICER, Steps
from dixian.people import machine

KINDS = ("CONSULT", "CONSULT", "CONSULT", "APPLY", "REPORT")
_ALERTS = "alerts"


@dataclass
class Call:
    """Somebody calls about a household of a village."""

    hands: Hands
    chance: Random
    day: date
    number: int
    village: str
    document_number: str
    order: str = ""

    async def act(self, at: str, path: str, body: Json) -> None:
        """An officer's act on the order."""
        await self.hands.does(OFFICER, at, _ALERTS, f"/orders/{self.order}/{path}", body)

    async def platform(self, path: str, body: Json) -> Json:
        """What the hotline's own system sends."""
        return await self.hands.timed(machine("hotline").credential, _ALERTS, path, body)

    def accepted(self) -> Json:
        """The order as the hotline passes it on."""
        body: Json = {
            "order_no": f"PY{self.number:08d}",
            "kind": self.chance.choice(KINDS),
            "called_on": self.day.isoformat(),
            "division": self.village,
            "caller": {"name": "来电人", "phone": "13805310018"},
            "text": "想了解监测帮扶怎样申请。",
        }
        if body["kind"] == "CONSULT":
            return body
        subject = {"name": "来电人", "document_number": self.document_number}
        if body["kind"] == "APPLY":
            return body | {"caller": body["caller"] | subject, "risks": ["ILLNESS"]}
        return body | {"subject": subject, "risks": ["ILLNESS"]}


async def call(made: Call) -> Steps:
    """One order from the call to the rating; one in ten is returned first."""
    receipt = await made.platform("/orders", made.accepted())
    made.order = receipt["id"]
    yield 1
    town, county = made.village[:9], made.village[:6]
    await made.act(county, "assignment", {"assignee": town, "instruction": "请办理并答复"})
    if made.chance.random() < 0.1:
        yield 1
        await made.act(town, "return", {"reason": "NOT_OUR_DIVISION"})
        await made.act(county, "assignment", {"assignee": town, "instruction": "属于贵镇,请办理"})
    yield made.chance.randint(1, 6)
    handled = {"result": "RESOLVED", "answer": "已上门说明申请条件和所需材料。"}
    await made.act(town, "handling", handled)
    yield made.chance.randint(1, 2)
    await made.act(county, "closure", {})
    rating = made.chance.choice(("SATISFIED", "SATISFIED", "SATISFIED", "UNSATISFIED"))
    await made.platform(f"/orders/{made.order}/rating", {"rating": rating})
