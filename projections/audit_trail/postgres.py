"""The audit trail's questions in SQL, to the ledger itself."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain.entity import Actor
from projections.audit_trail.view import AuditEvent, AuditFilter
from projections.columns import Type
from projections.reading.postgres import Reader
from projections.reading.queries import Where, many

# An event as it stands in the ledger.
EVENT = """
SELECT e.notification_id, e.topic, e.originator_id, e.originator_version, e.recorded_at, e.salt, e.leaf, e.state
FROM ledger.events e
"""

# The positions that name one of several subjects.
_NAMED = "e.notification_id IN (SELECT s.position FROM read.audit_subjects s WHERE s.subject = ANY (%b::uuid[]){bound})"

# The positions that name a certificate, one of its connectors or one of its work orders.
_OF_CERTIFICATE = """
e.notification_id IN (
    SELECT s.position FROM read.audit_subjects s WHERE s.position > %b::bigint AND s.subject IN (
        SELECT %b::uuid
        UNION ALL SELECT c.id FROM read.connectors c WHERE c.certificate_id = %b::uuid
        UNION ALL SELECT w.id FROM read.work_orders w WHERE w.certificate_id = %b::uuid))
"""

_ACTOR = """
substr(e.actor, strpos(e.actor, ':') + 1) = ANY (%b::text[])
OR convert_from(e.leaf, 'UTF8')::jsonb #>> '{actor,on_behalf_of}' = ANY (%b::text[])
"""

_JUST_BEFORE = timedelta(microseconds=1)


class PostgresAuditTrail:
    """projections.audit_trail.view.AuditTrail."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, position: int) -> AuditEvent | None:
        rows = await self._reader.rows(f"{EVENT} WHERE e.notification_id = %b::bigint", [position])
        return audit_event(rows[0]) if rows else None

    async def list(
        self, narrow: AuditFilter = AuditFilter(), *, after_position: int = 0, limit: int = 50
    ) -> Sequence[AuditEvent]:
        where = _where(narrow, after_position).add("e.notification_id > %b::bigint", after_position)
        return await self._events(where, "", limit)

    async def latest(
        self, narrow: AuditFilter = AuditFilter(), *, before_position: int | None = None, limit: int = 50
    ) -> Sequence[AuditEvent]:
        where = _where(narrow)
        if before_position is not None:
            where.add("e.notification_id < %b::bigint", before_position)
        return await self._events(where, " DESC", limit)

    async def of_certificate(
        self, certificate_id: UUID, *, after_position: int = 0, limit: int = 50
    ) -> Sequence[AuditEvent]:
        named = [after_position, certificate_id, certificate_id, certificate_id]
        return await self._events(Where().add(_OF_CERTIFICATE, *named), "", limit)

    async def position_at(self, instant: datetime) -> int:
        rows = await self._reader.rows("SELECT read.position_at(%b::timestamptz)", [instant])
        found: int = rows[0][0]
        return found

    async def _events(self, where: Where, direction: str, limit: int) -> Sequence[AuditEvent]:
        query = f"{EVENT}{where} ORDER BY e.notification_id{direction} LIMIT %b::bigint"
        return [audit_event(row) for row in await self._reader.rows(query, [*where.parameters, limit])]


class _Leaf(msgspec.Struct, frozen=True):
    subjects: tuple[UUID, ...]
    actor: Actor
    correlation_id: UUID
    causation_position: int | None = None


_decode_leaf = msgspec.json.Decoder(_Leaf).decode


def audit_event(row: Sequence[Any]) -> AuditEvent:
    """From a row of EVENT; what the leaf says of the event is taken from the leaf."""
    position, topic, stream_id, version, recorded_at, salt, leaf, payload = row
    said = _decode_leaf(leaf)
    return AuditEvent(
        position=position,
        type=topic,
        stream_id=stream_id,
        version=version,
        subjects=said.subjects,
        actor=said.actor,
        correlation_id=said.correlation_id,
        causation_position=said.causation_position,
        recorded_at=recorded_at,
        salt=salt,
        leaf=leaf,
        leaf_hash=hashlib.sha256(b"\0" + leaf).digest(),
        payload=payload,
    )


def _where(narrow: AuditFilter, after_position: int | None = None) -> Where:
    where = Where()
    if narrow.types:
        exact, patterns = many(Type.TEXT, narrow.types), many(Type.TEXT, map(_pattern, narrow.types))
        where.add("e.topic = ANY (%b::text[]) OR e.topic LIKE ANY (%b::text[])", exact, patterns)
    if narrow.subjects:
        bound = "" if after_position is None else " AND s.position > %b::bigint"
        bounds = [] if after_position is None else [after_position]
        where.add(_NAMED.format(bound=bound), many(Type.UUID, narrow.subjects), *bounds)
    if narrow.actors:
        actors = many(Type.TEXT, narrow.actors)
        where.add(_ACTOR, actors, actors)
    where.among("e.correlation_id", Type.UUID, narrow.correlation_ids)
    return _window(where, narrow)


def _window(where: Where, narrow: AuditFilter) -> Where:
    """Instants become positions: recorded_at rises with them."""
    at = "(SELECT read.position_at(%b::timestamptz))"
    if narrow.since is not None:
        where.add(f"e.notification_id > {at}", narrow.since - _JUST_BEFORE)
    if narrow.until is not None:
        where.add(f"e.notification_id <= {at}", narrow.until - _JUST_BEFORE)
    if narrow.until_position is not None:
        where.add("e.notification_id <= %b::bigint", narrow.until_position)
    return where


def _pattern(topic: str) -> str:
    """A LIKE pattern: only a trailing `*` stands for something else than itself."""
    stem = topic.removesuffix("*")
    escaped = stem.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"{escaped}%" if topic.endswith("*") else escaped
