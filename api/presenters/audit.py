"""The audit trail."""

from base64 import b64encode

from api.presenters.common import actor
from api.schemas.audit import AuditEventBody
from projections.audit_trail.view import AuditEvent

COLUMNS = (
    "position",
    "recorded_at",
    "type",
    "actor",
    "stream_id",
    "version",
    "subjects",
    "correlation_id",
    "causation_position",
    "data",
    "salt",
    "leaf_hash",
)


def event(found: AuditEvent) -> AuditEventBody:
    """An event as it stands in the ledger."""
    return AuditEventBody(
        position=found.position,
        type=found.type,
        stream_id=found.stream_id,
        version=found.version,
        subjects=found.subjects,
        actor=actor(found.actor),
        correlation_id=found.correlation_id,
        causation_position=found.causation_position,
        recorded_at=found.recorded_at,
        data=found.data,
        salt=b64encode(found.salt).decode(),
        leaf_hash=b64encode(found.leaf_hash).decode(),
    )
