"""Work orders of the 12317 hotline: the list, one of them, and what is done with it."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute

from services.console.door import Door
from services.console.forms.alerts import ORDER_FORMS
from services.console.forms.form import Form, by_name
from services.console.pages import acting
from services.console.pages.acting import Subject
from services.console.pages.listing import asked_of, listing
from services.console.pages.people import below
from services.console.visit import Visit
from shared.kernel.division import Level
from shared.policy.purposes import Purpose

_FORMS = by_name(ORDER_FORMS)
_PURPOSES = (Purpose.ORDER_HANDLING, Purpose.CONTACT, Purpose.INSPECTION, Purpose.SUBJECT_REQUEST)
_PARTS = ("CALLER", "MATTER", "INSTRUCTION", "ANSWER")
_BY_STATUS = {
    "ACCEPTED": ("assignment", "return"),
    "ASSIGNED": ("handling", "return", "extension", "assignment", "supervision"),
    "HANDLED": ("closure", "supervision"),
    "DISSATISFIED": ("supervision",),
}


def routes(door: Door) -> Sequence[BaseRoute]:
    """``/orders…``."""
    return (
        door.get("/orders", listed),
        door.get("/orders/{order_id:uuid}", one),
        door.post("/orders/{order_id:uuid}/reveal", reveal),
        *door.both("/orders/{order_id:uuid}/do/{form}", show, send),
    )


async def listed(visit: Visit) -> Response:
    """The orders, the soonest due first."""
    asked = asked_of(visit, "kind", "status", "card", "order_no")
    shown = await listing(visit, "alerts", "/orders", asked, at="/orders")
    return visit.render("orders.html", **shown)


async def one(visit: Visit) -> Response:
    """An order, masked."""
    return await _shown(visit, {})


async def reveal(visit: Visit) -> Response:
    """The same page, with the parts that were asked for in full; recorded (R118)."""
    parts = [str(part) for part in visit.form.getlist("parts")]
    body = {"purpose": str(visit.form.get("purpose", "")), "parts": parts}
    path = f"/orders/{visit.id('order_id')}/reveal"
    return await _shown(visit, (await visit.api.act("alerts", path, body)).body)


async def _shown(visit: Visit, full: object) -> Response:
    order = await visit.api.get("alerts", f"/orders/{visit.id('order_id')}")
    forms = [_FORMS[name] for name in _BY_STATUS.get(order["status"], ())]
    return visit.render(
        "order.html",
        order=order,
        full=full,
        forms=[form for form in forms if await _may(visit, form, order["unit"])],
        purposes=visit.purposes(_PURPOSES),
        parts=_PARTS,
        may_reveal=await visit.api.may("alerts", "/orders/{order_id}/reveal"),
    )


async def _may(visit: Visit, form: Form, unit: str) -> bool:
    """Whether a post and a level do this; handling is the unit's own."""
    if form.name == "handling" and unit != visit.who.division:
        return False
    return await visit.api.may(form.service, form.path)


async def show(visit: Visit) -> Response:
    """What is to be done with an order."""
    return await acting.show(visit, acting.form_of(visit, _FORMS), await _subject(visit))


async def send(visit: Visit) -> Response:
    """Done; who gave an order back may not see it any more."""
    form = acting.form_of(visit, _FORMS)
    then = (lambda _answer: "/orders") if form.name == "return" else None
    return await acting.send(visit, form, lambda: _subject(visit), then)


async def _subject(visit: Visit) -> Subject:
    order_id = visit.id("order_id")
    order = await visit.api.get("alerts", f"/orders/{order_id}")
    places = below(visit) if visit.level > Level.VILLAGE else ()
    return Subject(
        title=visit.words("工单{number}", number=order["order_no"]),
        back=f"/orders/{order_id}",
        ids={"order_id": order_id},
        version=order["version"],
        options={"below": places},
        due=order["handle_by"],
    )
