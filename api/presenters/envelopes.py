"""In which envelope events are told: ours, or CloudEvents 1.0 (docs/reference/cloud-events.md)."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from api.failures import bad_parameter
from api.paging import CSV, JSON
from api.presenters.audit import event
from projections.audit_trail.cloud_events import BATCH, EVENT, Origin, cloud_event
from projections.audit_trail.view import AuditEvent

CLOUD_EVENT, CLOUD_EVENTS = EVENT, BATCH
Envelope = Literal["cloudevents"]
Present = Callable[[AuditEvent], Any]


async def enveloping(
    media_type: str, envelope: Envelope | None, ask_origin: Callable[[], Awaitable[Origin]]
) -> Present:
    """How each event is told: as a CloudEvent in its own media types, and by name in streams and lines. Raises 422."""
    if envelope is None and media_type not in {CLOUD_EVENT, CLOUD_EVENTS}:
        return event
    if media_type in {JSON, CSV}:
        raise bad_parameter("envelope", f"Only streams and lines take one; for a page ask for {CLOUD_EVENTS}.")
    origin = await ask_origin()
    return lambda found: cloud_event(found, origin)
