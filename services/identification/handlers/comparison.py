"""A department's answer about a person: found by the number's token, and by nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.identification.domain import commands, internal
from services.identification.domain.case import CASE
from services.identification.handlers.cases import CaseHandlers
from services.identification.read_models import lookups
from shared.kernel.event import Command
from shared.kernel.principal import Principal, Role
from shared.kernel.refusal import Forbidden, NotFound, OutOfOrder, Refusal
from shared.policy.rules import rule
from shared.store.application import Call, Handler, Outcome
from shared.vault.blind_index import BlindIndex
from shared.vault.documents import parse_document


@dataclass(frozen=True)
class ComparisonHandlers:
    """The handler."""

    index: BlindIndex
    cases: CaseHandlers

    def table(self) -> Mapping[type[Command], Handler]:
        """Every command with its handler."""
        return {commands.ReportComparison: self.report}

    @rule("R52", "R57")
    async def report(self, command: commands.ReportComparison, call: Call) -> Outcome:
        """To the open, authorised case of the person's household.

        One answer for everybody else, unknown, without a case, or not authorised: a department
        learns of nobody whom it was not asked about.
        """
        _own_answers_only(command, call.principal)
        document = parse_document(command.document_number)
        tokens = [token.hex() for token in self.index.tokens(document)]
        found = await lookups.open_case_of(call.tx.sql, tokens)
        if found is None:
            raise _nobody_asked()
        case_id, member_id = found
        answer = internal.AnswerComparison(
            case_id=case_id,
            source=command.source,
            member_id=member_id,
            hits=tuple(sorted(set(command.hits))),
            occurred_on=command.occurred_on,
        )
        try:
            context = await self.cases.case_context(answer, call)
            return await call.decide(CASE, case_id, answer, context)
        except (NotFound, OutOfOrder, Forbidden):
            raise _nobody_asked() from None


def _own_answers_only(command: commands.ReportComparison, principal: Principal) -> None:
    """A machine answers for the department that its key is for (R6)."""
    if Role.FEED in principal.roles and command.source.department not in principal.feeds:
        raise Forbidden(
            "该密钥不能代表此部门反馈比对结果", "this key answers for another department", rule="R6"
        )


def _nobody_asked() -> Refusal:
    return OutOfOrder(
        "R52",
        code="no-open-comparison",
        zh="无此人待反馈的信息比对",
        en="no comparison about this person is waiting for an answer",
    )
