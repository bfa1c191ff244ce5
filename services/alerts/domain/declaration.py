"""What a household declares itself, on paper, by an agent or on a portal, and must say. Pure."""

from uuid import UUID

from services.alerts.domain.commands import RegisterLead
from shared.contracts.alerts import Channel
from shared.contracts.values import LeadSource
from shared.kernel.ids import named_id
from shared.kernel.refusal import Invalid, OutOfOrder
from shared.policy.rules import rule


def lead_id(portal: str, reference: str) -> UUID:
    """The lead of a portal's own number: sent twice, it meets the same lead."""
    return named_id("lead", "declaration", portal, reference)


def reference_reused() -> OutOfOrder:
    """The refusal of a number that stands for another declaration."""
    return OutOfOrder(
        "R54",
        code="reference-reused",
        zh="该申报编号已用于内容不同的申报",
        en="this number was sent before, with different content",
        field="reference",
    )


@rule("R54")
def channel_is_said(command: RegisterLead) -> None:
    """A declaration came by some way, and by somebody where it did; a screening came by none.

    What a household declares on a portal comes from the portal, not from an officer.
    """
    declared = command.source is LeadSource.SELF_DECLARATION
    if not declared and command.channel is not None:
        raise _unsaid("channel", "干部排查没有申报方式,请不要选择", "a screening has no channel")
    if declared and command.channel in (None, Channel.ONLINE):
        raise _unsaid("channel", "自主申报须注明纸质申请或他人代办", "say paper or agent")
    by_agent = command.channel is Channel.AGENT
    if by_agent and (command.agent is None or command.agent.name is None):
        raise _unsaid("agent", "他人代办的,须填写代办人姓名", "name who brought it")
    if not by_agent and command.agent is not None:
        raise _unsaid("agent", "只有他人代办的才填写代办人", "only an agent's declaration has one")


def _unsaid(field: str, zh: str, en: str) -> Invalid:
    return Invalid("R54", code="channel-unsaid", zh=zh, en=en, field=field)
