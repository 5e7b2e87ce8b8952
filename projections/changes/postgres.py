"""What changed, from the ledger's own events; of the read models, only which certificates time has changed."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from projections.changes.cursors import Place, Source, decode_place
from projections.changes.diff import Thing, Told, changes_of, name_of, neighbours, thing_of
from projections.changes.facts import COVERED
from projections.changes.view import Change, Moment, Span
from projections.columns import Type
from projections.engine import Decode
from projections.fold import describe
from projections.reading.postgres import Reader
from projections.reading.queries import many
from projections.rows import Page
from projections.store import uuids

# Streams whose first event within the span is at or after a position, in that order.
TOUCHED = """
SELECT e.originator_id, e.notification_id FROM ledger.events e
LEFT JOIN ledger.events x ON x.originator_id = e.originator_id AND x.originator_version = e.originator_version - 1
WHERE e.notification_id >= %b::bigint AND e.notification_id <= %b::bigint AND e.topic = ANY (%b::text[])
  AND (x.notification_id IS NULL OR x.notification_id <= %b::bigint)
ORDER BY e.notification_id LIMIT %b::bigint
"""

# Certificates known at the start whose validity ended within the span.
EXPIRED = """
SELECT id, not_after FROM read.inventory
WHERE not_after >= %b::timestamptz AND not_after < %b::timestamptz AND created_position <= %b::bigint
  AND (not_after, id) >= (%b::timestamptz, %b::uuid)
ORDER BY not_after, id LIMIT %b::bigint
"""

# Certificates known at the start whose validity began within the span, and did not end in it.
BECAME_VALID = """
SELECT id, not_before FROM read.inventory
WHERE not_before > created_at AND not_before > %b::timestamptz AND not_before <= %b::timestamptz
  AND created_position <= %b::bigint AND not_after >= %b::timestamptz
  AND (not_before, id) >= (%b::timestamptz, %b::uuid)
ORDER BY not_before, id LIMIT %b::bigint
"""

# The events of some streams up to a position.
STREAMS = """
SELECT originator_id, notification_id, topic, state FROM ledger.events
WHERE originator_id = ANY (%b::uuid[]) AND notification_id <= %b::bigint
ORDER BY originator_id, originator_version
"""

RECORDED = "SELECT recorded_at FROM ledger.events WHERE notification_id = %b::bigint"
_TOPICS = sorted(event.topic for event in COVERED)
_BATCH = 500


class _Candidate(NamedTuple):
    place: Place
    id: UUID


_Told = tuple[_Candidate, tuple[Change, ...]]


class PostgresChanges:
    """projections.changes.view.Changes."""

    def __init__(self, reader: Reader, decode: Decode) -> None:
        self._reader = reader
        self._decode = decode

    async def moment(self, position: int) -> Moment | None:
        rows = await self._reader.rows(RECORDED, [position or 1])
        return Moment(position, rows[0][0]) if rows else None

    async def moment_at(self, instant: datetime) -> Moment:
        rows = await self._reader.rows("SELECT read.position_at(%b::timestamptz)", [instant])
        return Moment(rows[0][0], instant)

    async def list(self, span: Span, *, limit: int = 50, cursor: str | None = None) -> Page[Change]:
        place = _beginning(span) if cursor is None else decode_place(cursor, span.start.position, span.end.position)
        found: list[Change] = []
        skip = place.skip
        async for batch in self._things(span, place, min(limit, _BATCH)):
            for candidate, changes in batch:
                for number, change in enumerate(changes[skip:], skip):
                    if len(found) == limit:
                        return Page(tuple(found), msgspec.structs.replace(candidate.place, skip=number).encode())
                    found.append(change)
                skip = 0
        return Page(tuple(found))

    async def stream(self, span: Span) -> AsyncIterator[Sequence[Change]]:
        async for batch in self._things(span, _beginning(span), _BATCH):
            yield [change for _, changes in batch for change in changes]

    async def _things(self, span: Span, place: Place, size: int) -> AsyncIterator[Sequence[_Told]]:
        """Things that changed from a place on, each with its lines."""
        sources = tuple(Source)
        for source in sources[sources.index(place.source) :]:
            start: Place | None = place if source is place.source else _beginning(span, source)
            while start is not None:
                candidates = await self._candidates(span, start, size + 1)
                start = candidates[size].place if len(candidates) > size else None
                yield await self._told(span, source, candidates[:size])

    async def _candidates(self, span: Span, start: Place, limit: int) -> Sequence[_Candidate]:
        first, last = span
        if start.source is Source.EVENTS:
            asked = [max(start.position, first.position + 1), last.position, many(Type.TEXT, _TOPICS), first.position]
            rows = await self._reader.rows(TOUCHED, [*asked, limit])
            return [
                _Candidate(msgspec.structs.replace(start, position=position, skip=0), key) for key, position in rows
            ]
        if start.source is Source.EXPIRED:
            asked = [first.at, last.at, first.position, max(start.instant, first.at), start.id]
            rows = await self._reader.rows(EXPIRED, [*asked, limit])
        else:
            asked = [first.at, last.at, first.position, last.at, max(start.instant, first.at), start.id]
            rows = await self._reader.rows(BECAME_VALID, [*asked, limit])
        return [_Candidate(msgspec.structs.replace(start, instant=at, id=key, skip=0), key) for key, at in rows]

    async def _told(self, span: Span, source: Source, candidates: Sequence[_Candidate]) -> Sequence[_Told]:
        streams = await self._streams([each.id for each in candidates], span.end.position)
        things: list[tuple[_Candidate, Thing]] = []
        for each in candidates:
            told = streams.get(each.id, [])
            by_events = bool(told) and told[-1].position > span.start.position
            if told and by_events == (source is Source.EVENTS) and (thing := thing_of(each.id, told, span)):
                things.append((each, thing))
        named = await self._names((thing for _, thing in things), span.end.position)
        return [(each, changes_of(thing, named)) for each, thing in things if thing.lines]

    async def _streams(self, ids: Iterable[UUID], until: int) -> Mapping[UUID, Sequence[Told]]:
        found: dict[UUID, list[Told]] = {}
        for key, position, topic, payload in await self._reader.rows(STREAMS, [uuids(set(ids)), until]):
            found.setdefault(key, []).append(self._read(position, topic, payload))
        return found

    def _read(self, position: int, topic: str, payload: bytes) -> Told:
        try:
            return Told(position, topic, self._decode(topic, payload))
        except Exception as error:  # noqa: BLE001 - the event's fault, whatever it is: it is told
            return Told(position, topic, None, describe(error))

    async def _names(self, things: Iterable[Thing], until: int) -> dict[UUID, str]:
        """Names of neighbours, as they were at the end of the span."""
        wanted = {key for thing in things for key in neighbours(thing)}
        streams = await self._streams(wanted, until) if wanted else {}
        return {key: name_of(told) for key, told in streams.items()}


def _beginning(span: Span, source: Source = Source.EVENTS) -> Place:
    return Place(span.start.position, span.end.position, source, instant=span.start.at - timedelta(microseconds=1))
