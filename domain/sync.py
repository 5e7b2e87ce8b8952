"""What a discovery makes of a connector's sync state (domain page, section 5)."""

from uuid import UUID

from domain.connector import Connector
from domain.connector_events import SyncChanged, SyncReason, SyncState
from domain.entity import Event, Meta


def judge(
    *, healthy: bool, expected: str, at_place: frozenset[str], other_certificate_pushed_here: bool
) -> tuple[SyncState, SyncReason | None]:
    """In Sync when a healthy target returns the pushed fingerprint at its place; else Out of Sync, with the reason.

    `at_place` are the fingerprints the target holds where this connector's certificate belongs;
    `other_certificate_pushed_here` tells that a newer certificate was pushed to the same target and profile: then this
    one is superseded even where the target still holds it beside another, but not where it holds this one alone.
    """
    if not healthy:
        return SyncState.OUT_OF_SYNC, SyncReason.CONNECTOR_UNHEALTHY
    if other_certificate_pushed_here and at_place - {expected}:
        return SyncState.OUT_OF_SYNC, SyncReason.SUPERSEDED_ON_DEVICE
    if expected in at_place:
        return SyncState.IN_SYNC, None
    return SyncState.OUT_OF_SYNC, SyncReason.NOT_RETURNED


def observe(
    connector: Connector, meta: Meta, *, discovery_id: UUID, state: SyncState, reason: SyncReason | None
) -> tuple[Event, ...]:
    """An event only when something changed or a push was waiting to be seen. Only pushed connectors are judged."""
    if not connector.associated or connector.last_deployed_at is None:
        return ()
    if (connector.sync, connector.sync_reason) == (state, reason) and not connector.sync_pending:
        return ()
    return (SyncChanged(meta=meta, state=state, reason=reason, discovery_id=discovery_id),)
