"""The exact content of a request: what everybody reads, hashes and signs."""

from services.audit.domain.commands import RequestCorrection
from services.audit.domain.gates import GATES
from shared.contracts.audit import CorrectionKind

_COMPENSATING = {
    CorrectionKind.PURGE: "Purged",
    CorrectionKind.ROLLBACK: "RolledBack",
    CorrectionKind.FLAG_CHANGE: "FlagChanged",
    CorrectionKind.ERASURE: "PersonalDataErased",
}


def of(command: RequestCorrection, requested_by: str, city: str) -> dict[str, object]:
    """What every decision is over: the request in full, and the gates it must pass."""
    return {
        "format": "dixian-correction/2",
        "correction_id": str(command.correction_id),
        "city": city,
        "kind": command.kind,
        "targets": [target.model_dump(mode="json") for target in command.targets],
        "change": command.change and command.change.model_dump(mode="json"),
        "compensating": compensating(command),
        "reason": command.reason,
        "note_id": str(command.note_id),
        "note_sha256": command.note_sha256,
        "evidence": list(command.evidence),
        "requested_by": requested_by,
        "contributors": sorted(command.contributors),
        "gates": [gate.snapshot() for gate in GATES],
    }


def compensating(command: RequestCorrection) -> list[dict[str, object]]:
    """The events that are asked for: one a target, next after the version it stands at."""
    return [
        {
            "type": _COMPENSATING[command.kind],
            "service": target.service,
            "stream_id": str(target.stream_id),
            "version": target.version + 1,
            "to_version": target.to_version,
        }
        for target in command.targets
    ]
