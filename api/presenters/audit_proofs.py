"""The sealed ledger."""

from base64 import b64encode

from api.schemas.audit_proofs import ConsistencyBody, LedgerVerificationBody, LogKeyBody, VerificationOutcomeBody
from application.house import Loaded
from application.proving import Consistency, LogKey
from domain.ledger_verification import LedgerVerification, LedgerVerificationCompleted


def log_key(key: LogKey) -> LogKeyBody:
    """A key with its times of use."""
    return LogKeyBody(
        vkey=key.vkey, since=key.since, from_size=key.from_size, until=key.until, until_size=key.until_size
    )


def consistency(found: Consistency) -> ConsistencyBody:
    """A proof with both roots."""
    return ConsistencyBody(
        from_size=found.old,
        from_root=_base64(found.old_root),
        size=found.checkpoint.size,
        root=_base64(found.checkpoint.root),
        proof=tuple(map(_base64, found.hashes)),
        checkpoint=found.checkpoint.signed,
    )


def verification(found: Loaded[LedgerVerification]) -> LedgerVerificationBody:
    """A verification as far as it is."""
    state = found.found
    return LedgerVerificationBody(
        id=found.id,
        status="running" if state.outcome is None else "completed",
        started_at=state.started_at,
        started_by=state.started_by,
        checkpoint=state.checkpoint,
        completed_at=state.completed_at,
        outcome=_outcome(state.outcome) if state.outcome else None,
    )


def _outcome(event: LedgerVerificationCompleted) -> VerificationOutcomeBody:
    return VerificationOutcomeBody(
        intact=event.intact,
        size=event.size,
        checkpoints=event.checkpoints,
        root=_base64(bytes.fromhex(event.root)) if event.root else None,
        position=event.position,
        finding=event.finding,
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
