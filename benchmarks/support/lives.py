"""A year of an estate, straight into the ledger: certificates that are pushed again and again.

One certificate's life is decided by the domain and encoded once; every other is the same with other ids, names and
dates in its bytes. All live in step, so that the versions of each are spread over the whole ledger.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from application.entries import Entry, entry
from application.leaf import complete_leaf
from benchmarks.support.pushes import deployed, push_of, work_order_of
from domain import ids
from domain.bridge import BridgeConnected, BridgeDisconnected, BridgeEnrolmentIssued
from domain.certificate import CertificateOwnerChanged
from domain.entity import Actor, ActorKind, Event, Meta
from domain.target_system import TargetSettings, TargetSystemRegistered
from projections.columns import COPY_HEADER, COPY_TRAILER, Type, copy_rows, instant

BRIDGES, TARGETS, FLAPS = 10, 200, 20
"""Bridges, targets, and how often each bridge is lost and found again in a round."""
_YEAR = timedelta(days=365)
_START = datetime.now(UTC).replace(microsecond=0) - _YEAR
_BRIDGE, _TARGET, _NAME = str(UUID(int=1)), str(UUID(int=2)), "host0.example.com"
_NOT_AFTER = "2026-06-12T09:26:53.589793Z"
_FINGERPRINT, _SERIAL = hashlib.sha256(_NAME.encode()).hexdigest(), f"{0:032x}"
_META = Meta(actor=Actor(ActorKind.SYSTEM, "benchmark"), at=_START, correlation_id=UUID(int=9))
_COLUMNS = {
    "originator_id": Type.UUID,
    "originator_version": Type.BIGINT,
    "topic": Type.TEXT,
    "state": Type.BYTES,
    "notification_id": Type.BIGINT,
    "actor": Type.TEXT,
    "correlation_id": Type.UUID,
    "recorded_at": Type.INSTANT,
    "salt": Type.BYTES,
    "leaf": Type.BYTES,
}
_ROWS = 2000


class Happened(NamedTuple):
    """An event on its way into the ledger: stream, version, bytes."""

    stream: UUID
    version: int
    entry: Entry


def lives(certificates: int, pushes: int) -> Iterator[Happened]:
    """Everything that happens, in order: the estate, then round after round of one push per certificate."""
    yield from _estate()
    flaps = [_flap(number) for number in range(BRIDGES)]
    shared = _names(0, pushes)
    for place, steps in enumerate(_rounds(pushes)):
        concerned = [_concerned(step, shared) for step in steps]
        for number in range(certificates):
            names = _names(number, pushes)
            request = _id(number, "request")
            yield from (
                _renamed(step, [names[n] for n in which], request) for step, which in zip(steps, concerned, strict=True)
            )
        for bridge, found in enumerate(flaps):
            for flap in range(2 * FLAPS):
                yield Happened(_bridge(bridge), 3 + place * 2 * FLAPS + flap, found[flap % 2])


def per_certificate(pushes: int) -> int:
    """How many events a certificate's life has."""
    return sum(map(len, _rounds(pushes)))


def _rounds(pushes: int) -> list[list[Happened]]:
    """The life that all share: it begins, with its first push; then again and again, each time with another owner."""
    versions: dict[UUID, int] = {}

    def happened(stream: UUID, event: Event) -> Happened:
        versions[stream] = version = versions.get(stream, 0) + 1
        return Happened(stream, version, entry(stream, event))

    streams = push_of(0)
    certificate_id, (connector_id, connector) = streams[0][0], streams[2]
    rounds = [[happened(stream, event) for stream, events in streams for event in events]]
    for ordinal in range(2, pushes + 1):
        order_id, order = work_order_of(0, ordinal)
        installed = deployed(0, order_id, order[:3], connector, ordinal)
        connector += installed
        owned = CertificateOwnerChanged(meta=_META, owner=f"team-{ordinal}")
        rounds.append(
            [
                happened(certificate_id, owned),
                *(happened(order_id, event) for event in order[:3]),
                *(happened(connector_id, event) for event in installed),
                happened(order_id, order[3]),
            ]
        )
    return rounds


def _names(number: int, pushes: int) -> list[tuple[bytes, bytes]]:
    """What stands in the bytes of certificate 0, and what has to stand there instead."""
    name, target = f"host{number}.example.com", number % TARGETS
    pairs = [
        (_NAME, name),
        (_FINGERPRINT, hashlib.sha256(name.encode()).hexdigest()),
        (_SERIAL, f"{number:032x}"),
        (_NOT_AFTER, f"{_START + timedelta(days=300 + number % 400, seconds=number):%Y-%m-%dT%H:%M:%SZ}"),
        (_TARGET, str(ids.derive("target", target))),
        (_BRIDGE, str(_bridge(target % BRIDGES))),
    ]
    pairs += [(str(_id(0, kind)), str(_id(number, kind))) for kind in ("certificate", "connector", "request")]
    pairs += [(str(_id(0, "deployment", o)), str(_id(number, "deployment", o))) for o in range(1, pushes + 1)]
    orders = [(ids.work_order_id(_id(n, "connector"), o)) for o in range(1, pushes + 1) for n in (0, number)]
    pairs += [(str(before), str(after)) for before, after in zip(orders[::2], orders[1::2], strict=True)]
    return [(before.encode(), after.encode()) for before, after in pairs]


def _id(number: int, kind: str, *more: object) -> UUID:
    return ids.derive(kind, number, *more)


def _concerned(step: Happened, names: list[tuple[bytes, bytes]]) -> list[int]:
    """Which names an event mentions; its leaf mentions its stream."""
    found = step.entry.payload + step.entry.leaf_head
    return [number for number, (before, _) in enumerate(names) if before in found]


def _renamed(step: Happened, names: list[tuple[bytes, bytes]], request: UUID) -> Happened:
    """The same for another certificate; the leaf still binds the payload."""
    stream, payload, head = str(step.stream).encode(), step.entry.payload, step.entry.leaf_head
    for before, after in names:
        stream, payload, head = (
            stream.replace(before, after),
            payload.replace(before, after),
            head.replace(before, after),
        )
    found = step.entry
    head = head.replace(_digest(found.salt, found.payload), _digest(found.salt, payload))
    conversation = request if found.correlation_id == _id(0, "request") else found.correlation_id
    changed = Entry(found.topic, payload, found.salt, found.actor, conversation, head)
    return Happened(UUID(stream.decode()), step.version, changed)


def _digest(salt: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(salt + payload).hexdigest().encode()


def _bridge(number: int) -> UUID:
    return ids.derive("bridge", number)


def _estate() -> Iterator[Happened]:
    for number in range(BRIDGES):
        issued = BridgeEnrolmentIssued(meta=_META, name=f"dmz-{number}", token_sha256="0" * 64, expires_at=_START)
        for version, event in enumerate((issued, BridgeConnected(meta=_META, version="1.0")), 1):
            yield Happened(_bridge(number), version, entry(_bridge(number), event))
    for number in range(TARGETS):
        settings = TargetSettings(
            version=1, kind="nginx", bridge_id=_bridge(number % BRIDGES), settings={"root": "/tls"}
        )
        registered = TargetSystemRegistered(
            meta=_META, name=f"web-{number}", bridge_id=settings.bridge_id, settings=settings
        )
        target_id = ids.derive("target", number)
        yield Happened(target_id, 1, entry(target_id, registered))


def _flap(number: int) -> tuple[Entry, Entry]:
    lost, found = BridgeDisconnected(meta=_META), BridgeConnected(meta=_META, version="1.0")
    return entry(_bridge(number), lost), entry(_bridge(number), found)


def record(dsn: str, happened: Iterator[Happened], events: int) -> int:
    """Put them into an empty ledger, as its owner, spread over a year; answers the last position."""
    position, apart = 0, _YEAR / events
    copy = f"COPY ledger.events ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT binary)".encode()
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor, cursor.copy(copy) as sink:
        sink.write(COPY_HEADER)
        rows: list[tuple[Any, ...]] = []
        for position, (stream, version, each) in enumerate(happened, 1):
            at = _START + position * apart
            leaf = complete_leaf(each.leaf_head, version, position, at)
            content = (each.topic, each.payload, position, each.actor, each.correlation_id)
            rows.append((stream.bytes, version, *content, instant(at), each.salt, leaf))
            if len(rows) == _ROWS:
                sink.write(copy_rows(tuple(_COLUMNS.values()), rows))
                rows.clear()
        sink.write(copy_rows(tuple(_COLUMNS.values()), rows))
        sink.write(COPY_TRAILER)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) ledger.events")
    return position
