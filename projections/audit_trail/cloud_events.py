"""Events in the envelope of CloudEvents 1.0 (JSON format), as docs/reference/cloud-events.md says."""

from base64 import b64encode
from datetime import UTC
from typing import Any

import msgspec

from domain.catalogue import TOPICS
from projections.audit_trail.view import AuditEvent

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Origin(msgspec.Struct, frozen=True):
    """Where events come from. `source`: the ledger's origin, the name its checkpoints are signed under. `url`: where
    the service is reached, empty where nobody has said so.
    """

    source: str
    url: str = ""


def cloud_event(found: AuditEvent, origin: Origin) -> dict[str, Any]:
    """The attributes, and the payload as `data`."""
    actor = found.actor
    attributes = {
        "specversion": "1.0",
        "id": str(found.position),
        "source": origin.source,
        "type": found.type,
        "subject": str(found.stream_id),
        "time": found.recorded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": _schema(found.type, origin.url),
        "correlationid": str(found.correlation_id),
        "causationposition": str(found.causation_position) if found.causation_position is not None else None,
        "actorkind": actor.kind.value,
        "actorid": actor.id,
        "actoronbehalfof": actor.on_behalf_of,
        "leafhash": b64encode(found.leaf_hash).decode(),
    }
    return {name: value for name, value in attributes.items() if value is not None} | {"data": found.data}


def encoded(found: AuditEvent, origin: Origin, longest: int | None = None) -> bytes:
    """One event as JSON. Where that would be longer than `longest` bytes, `dataref` says where the data is instead."""
    event = cloud_event(found, origin)
    whole = msgspec.json.encode(event)
    if longest is None or len(whole) <= longest:
        return whole
    path = f"{origin.url.rstrip('/')}/api/v1/audit-events/{found.position}/payload"
    return msgspec.json.encode({name: value for name, value in event.items() if name != "data"} | {"dataref": path})


def schema_path(topic: str, version: int) -> str:
    """Where the service has the schema of an event's data."""
    return f"/schemas/events/{topic}.v{version}.json"


def _schema(topic: str, url: str) -> str | None:
    known = TOPICS.get(topic)
    return f"{url.rstrip('/')}{schema_path(topic, known.schema_version)}" if known is not None and url else None
