"""What each command does, where it needs more than its own stream: look-ups, the vault, a lead."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.alerts.domain import commands
from services.alerts.domain.alert import ALERT
from services.alerts.domain.feed import FEED
from services.alerts.domain.feed_file import FEED_FILE
from services.alerts.domain.lead import LEAD
from services.alerts.domain.machine import MACHINE
from services.alerts.domain.order import ORDER
from services.alerts.domain.webhook import WEBHOOK
from services.alerts.handlers.alerts import Alerts
from services.alerts.handlers.feed_files import FeedFiles
from services.alerts.handlers.leads import Leads, lead_to_correct
from services.alerts.handlers.machines import Machines
from services.alerts.handlers.orders import Orders
from services.alerts.handlers.reveals import REVEAL
from services.alerts.handlers.tools import Tools
from services.alerts.handlers.webhooks import Webhooks
from services.alerts.read_models.feed_views import FEED_VIEWS
from services.alerts.read_models.views import VIEWS as OWN_VIEWS
from shared.contracts.alerts import EvidenceKept
from shared.evidence.stream import KeepEvidence, evidence_stream, keeping
from shared.evidence.tables import EVIDENCE_VIEW
from shared.kernel.decider import Aggregate
from shared.kernel.event import Command, Event, Recorded
from shared.service.correcting import CarryOut, carry_out
from shared.store.application import Application, Handler
from shared.store.database import Database

SERVICE = "alerts"
VIEWS = (*OWN_VIEWS, *FEED_VIEWS)
EVIDENCE = evidence_stream(EvidenceKept)
AGGREGATES: Sequence[Aggregate[Any]] = (
    ORDER,
    LEAD,
    ALERT,
    REVEAL,
    MACHINE,
    WEBHOOK,
    FEED,
    FEED_FILE,
    EVIDENCE,
)


def application(
    database: Database,
    tools: Tools,
    *,
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None,
) -> Application:
    """The service on its database; ``appended`` is told of every commit."""
    return Application(
        service=SERVICE,
        database=database,
        handlers=handlers(tools),
        aggregates=AGGREGATES,
        views=(*VIEWS, EVIDENCE_VIEW),
        appended=appended,
    )


def handlers(tools: Tools) -> Mapping[type[Command], Handler]:
    """Every command's handler."""
    orders, leads, alerts = Orders(tools), Leads(tools), Alerts(tools)
    return {
        commands.AcceptOrder: orders.accept,
        commands.AssignOrder: orders.act("instruction"),
        commands.ReturnOrder: orders.act("note"),
        commands.ExtendOrder: orders.act("note"),
        commands.HandleOrder: orders.act("answer"),
        commands.SuperviseOrder: orders.act("note"),
        commands.CloseOrder: orders.act("note"),
        commands.RateOrder: orders.act("note"),
        commands.RegisterLead: leads.register,
        commands.DeclareRisk: leads.declare,
        commands.ReportRisk: leads.made,
        commands.MatchLead: leads.match,
        commands.DisposeLead: leads.dispose,
        commands.FollowLead: leads.follow,
        commands.SettleLead: leads.settle,
        CarryOut: carry_out(SERVICE, lead_to_correct, leads.correct),
        commands.ReceiveAlert: alerts.receive,
        **FeedFiles(tools).by_command(),
        **Machines(tools.divisions).by_command(),
        **Webhooks(tools.vault, tools.guard).by_command(),
        KeepEvidence: keeping(EVIDENCE),
    }


__all__ = ["AGGREGATES", "SERVICE", "VIEWS", "Tools", "application", "handlers"]
