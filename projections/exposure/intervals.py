"""From a run of observations, and what is known of the certificate it saw, to intervals of exposure. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from projections.certificate_records.view import CertificateRecord
from projections.connector_records.view import Change, ConnectorRecord
from projections.exposure.view import Cause, Exposure
from projections.scope import Scope, seconds
from projections.served_runs.view import Run, RunKind

DISSOCIATED = "dissociated"


class Known(NamedTuple):
    """A certificate of the inventory."""

    id: UUID
    record: CertificateRecord


class Beginning(NamedTuple):
    """How an exposure began: by which event, and which other event it rests on."""

    cause: Cause
    position: int
    at: datetime
    rests_on: int


class End(NamedTuple):
    """Where a run ended."""

    position: int
    at: datetime
    by: str


def intervals(
    run: Run, certificate: Known | None, connectors: Mapping[UUID, ConnectorRecord], scope: Scope
) -> Iterator[Exposure]:
    """The exposures of one run, as they are known at the scope's position, that reach into its window."""
    end = _end(run, connectors)
    for began in _beginnings(run, certificate):
        stop = end.at if end else scope.now
        if began.at >= stop or (scope.since is not None and stop <= scope.since):
            continue
        if scope.until is None or began.at < scope.until:
            yield _exposure(run, certificate, began, end, scope)


def _beginnings(run: Run, certificate: Known | None) -> Iterator[Beginning]:
    seen, at = run.from_position, run.from_at
    if run.kind is RunKind.WRONG:
        yield Beginning(Cause.WRONG, seen, at, seen)
    elif certificate is not None:
        record = certificate.record
        yield Beginning(Cause.EXPIRED, seen, max(at, record.certificate.not_after), record.added.position)
        if (revoked := record.revoked) is not None:
            yield Beginning(Cause.REVOKED, max(seen, revoked.position), max(at, revoked.at), revoked.position)


def _end(run: Run, connectors: Mapping[UUID, ConnectorRecord]) -> End | None:
    """What was seen next; or that the last connector that looked was removed before that."""
    seen = End(run.until_position, run.until_at, run.ended_by or "") if run.until_position and run.until_at else None
    gone = [_removed(connectors.get(watch.connector_id), watch.position) for watch in run.watches]
    if any(end is None for end in gone):
        return seen
    last = max(end for end in gone if end is not None)
    return seen if seen is not None and seen.position < last.position else last


def _removed(connector: ConnectorRecord | None, position: int) -> End | None:
    """The first removal of a connector after a position."""
    for fact in connector.facts if connector is not None else ():
        if fact.position > position and fact.change is Change.DISSOCIATED:
            return End(fact.position, fact.at, DISSOCIATED)
    return None


def _exposure(run: Run, certificate: Known | None, began: Beginning, end: End | None, scope: Scope) -> Exposure:
    wrong = began.cause is Cause.WRONG
    start, stop = clipped(began.at, end.at if end else None, scope)
    places = {run.from_position, began.position, began.rests_on} | ({end.position} if end else set())
    return Exposure(
        cause=began.cause,
        endpoint=run.endpoint,
        server_name=run.server_name,
        connector_id=run.connector_id,
        target_system_id=run.target_system_id,
        state=run.state if wrong else None,
        served_fingerprint_sha256=run.served_fingerprint_sha256,
        expected_fingerprint_sha256=run.expected_fingerprint_sha256 if wrong else None,
        certificate_id=certificate.id if certificate else None,
        common_name=certificate.record.certificate.common_name if certificate else None,
        since=began.at,
        from_position=began.position,
        until=end.at if end else None,
        to_position=end.position if end else None,
        ended_by=end.by if end else None,
        seconds=seconds(start, stop),
        positions=tuple(sorted(places)),
    )


def clipped(since: datetime, until: datetime | None, scope: Scope) -> tuple[datetime, datetime]:
    """The part of an interval that is within the window; one that lasts ends at the report's clock."""
    start = since if scope.since is None else max(since, scope.since)
    stop = until or scope.now
    return start, stop if scope.until is None else min(stop, scope.until)
