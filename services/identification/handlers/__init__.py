"""How each command is carried out: what is looked up, put into the vault, and decided on."""

from collections.abc import Callable, Sequence
from typing import Any

from services.identification.domain.case import CASE
from services.identification.domain.coordination import COORDINATION
from services.identification.domain.delegation import DELEGATION
from services.identification.domain.finding import FINDING
from services.identification.domain.household import HOUSEHOLD
from services.identification.domain.policy_book import POLICY_BOOK
from services.identification.domain.register_commands import RegisterHousehold
from services.identification.handlers.cases import CaseHandlers
from services.identification.handlers.comparison import ComparisonHandlers
from services.identification.handlers.corrections import CorrectionHandlers
from services.identification.handlers.governance import GovernanceHandlers
from services.identification.handlers.personal_data import PersonalDataHandlers
from services.identification.handlers.register import RegisterHandlers
from services.identification.handlers.regrouping import RegroupingHandlers
from services.identification.read_models.views import VIEWS
from services.identification.reveals import REVEAL
from shared.contracts.identification import EvidenceKept
from shared.evidence.stream import KeepEvidence, evidence_stream, keeping
from shared.evidence.tables import EVIDENCE_VIEW
from shared.kernel.decider import Aggregate
from shared.kernel.event import Event, Recorded
from shared.policy.divisions import Divisions
from shared.store.application import Application
from shared.store.database import Database
from shared.vault.blind_index import BlindIndex
from shared.vault.vault import Vault

SERVICE = "identification"
EVIDENCE = evidence_stream(EvidenceKept)
AGGREGATES: Sequence[Aggregate[Any]] = (
    CASE,
    HOUSEHOLD,
    POLICY_BOOK,
    REVEAL,
    FINDING,
    DELEGATION,
    COORDINATION,
    EVIDENCE,
)


def application(
    database: Database,
    *,
    vault: Vault,
    index: BlindIndex,
    divisions: Divisions,
    appended: Callable[[Sequence[Recorded[Event]]], None] = lambda _events: None,
) -> Application:
    """The service on its database. ``appended`` is called after each commit."""
    personal_data = PersonalDataHandlers(vault, index)
    register = RegisterHandlers(vault, index, divisions)
    return Application(
        service=SERVICE,
        database=database,
        handlers={
            **register.table(),
            **RegroupingHandlers(vault, divisions).table(),
            **CorrectionHandlers(personal_data.erase).table(),
            **personal_data.table(),
            **CaseHandlers(vault).table(),
            **ComparisonHandlers(index, CaseHandlers(vault)).table(),
            KeepEvidence: keeping(EVIDENCE),
            **GovernanceHandlers(vault).table(),
        },
        aggregates=AGGREGATES,
        views=(*VIEWS, EVIDENCE_VIEW),
        appended=appended,
        beginners={RegisterHousehold: register.register_many},
    )
