"""What each command does, where it needs more than its own stream: look-ups, the vault, a lead."""

from collections.abc import Mapping

from services.alerts.domain import commands
from services.alerts.handlers.alerts import Alerts
from services.alerts.handlers.leads import Leads
from services.alerts.handlers.orders import Orders
from services.alerts.handlers.tools import Tools
from shared.kernel.event import Command
from shared.store.application import Handler

__all__ = ["Tools", "handlers"]


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
        commands.MatchLead: leads.match,
        commands.DisposeLead: leads.dispose,
        commands.FollowLead: leads.follow,
        commands.SettleLead: leads.settle,
        commands.ReceiveAlert: alerts.receive,
    }
