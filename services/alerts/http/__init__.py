"""The door for people and machines: a request becomes a command, a question gets its answer.

``orders`` and ``leads`` list what can be done to one, ``intake`` is how machines send things.
"""

from services.alerts.handlers import Tools
from services.alerts.handlers.reveals import Reveals
from services.alerts.http import feeds, intake, leads, machines, orders, webhooks
from services.alerts.http.alerts import alert_questions
from services.alerts.http.feeds import LARGER_BODIES, feed_doors
from services.alerts.http.leads import declaration_door, lead_questions
from services.alerts.http.machines import machine_doors
from services.alerts.http.orders import order_questions
from services.alerts.http.reveals import reveal_doors
from services.alerts.http.webhooks import webhook_doors
from shared.store.application import Application
from shared.web.doors import add_doors
from shared.web.routing import Router

DOORS = (*orders.DOORS, *leads.DOORS, *feeds.DOORS, *machines.DOORS, *webhooks.DOORS)
"""What can be done to orders, leads, feeds, machines and webhooks, one at a time."""


def router(application: Application, tools: Tools) -> Router:
    """Every route of the service, each with who may use it."""
    made = Router(tags=["alerts"])
    alerts = intake.alert_door(tools.index)
    add_doors(made, application, (*DOORS, alerts))
    intake.add_batch(made, application, alerts)
    order_questions(made, application, tools)
    declaration_door(made, application)
    lead_questions(made, application, tools)
    alert_questions(made, application)
    feed_doors(made, application, tools)
    machine_doors(made, application)
    webhook_doors(made, application)
    reveal_doors(made, application, Reveals(tools))
    return made


__all__ = ["DOORS", "LARGER_BODIES", "router"]
