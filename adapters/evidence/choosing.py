"""Which events prove one push: what belongs to its work order, and what that rests on. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from adapters.postgres.raw import RawEvent
from application import codec
from domain import ids
from domain.access import PushRefused
from domain.certificate import CertificateDiscovered, CertificateImported, CertificateIssued
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    SyncChanged,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
)
from domain.entity import ActorKind, Event
from domain.principal import PrincipalCreated
from domain.target_system import TargetSystemChanged, TargetSystemRegistered
from domain.work_order_events import PushRequested

Born = CertificateIssued | CertificateImported | CertificateDiscovered
_OF_AN_ATTEMPT = (DeploymentStarted, DeploymentSucceeded, DeploymentFailed, DeploymentReportStale)


class Placed(NamedTuple):
    """An event with its row."""

    row: RawEvent
    event: Event

    @property
    def stream(self) -> UUID:
        """Whose history it belongs to."""
        return UUID(bytes=self.row.stream)


class NoSuchPush(LookupError):
    """There is no work order of that id."""


def placed(rows: Iterable[RawEvent]) -> list[Placed]:
    """Rows with their events."""
    return [Placed(row, codec.decode(row.topic, row.payload)) for row in rows]


def requested(order_id: UUID, found: Iterable[Placed]) -> PushRequested:
    """The request, among the events of the work order's stream. Raises NoSuchPush."""
    for each in found:
        if each.stream == order_id and isinstance(each.event, PushRequested):
            return each.event
    raise NoSuchPush(f"There is no work order {order_id}.")


def streams_of(order_id: UUID, asked: PushRequested) -> tuple[UUID, ...]:
    """The streams that a push is told in."""
    things = asked.connector_id, asked.certificate_id, asked.target_system_id
    return (order_id, ids.access_log_id(order_id), *things)


def people_of(found: Iterable[Placed]) -> set[UUID]:
    """Persons who acted: the streams that tell their names."""
    actors = (each.event.meta.actor for each in found)
    return {
        UUID(key) for actor in actors for key in (actor.id, actor.on_behalf_of) if key and _is_person(actor.kind, key)
    }


def chosen(order_id: UUID, found: Sequence[Placed]) -> list[Placed]:
    """Of the events of those streams, those that the push is told by, in the order of the ledger."""
    asked = requested(order_id, found)
    at = next(each.row.position for each in found if each.event is asked)
    picked = {each.row.position: each for each in (*_own(order_id, found), *_attempts(order_id, found))}
    sent = [each.row.position for each in picked.values() if isinstance(each.event, DeploymentRequested)]
    for kinds, before in (
        ((TargetSystemAssociated,), at),
        ((TargetSystemRegistered, TargetSystemChanged), sent[0] if sent else at),
    ):
        for each in [e for e in found if isinstance(e.event, kinds) and e.row.position < before][-1:]:
            picked[each.row.position] = each
    for each in [e for e in found if isinstance(e.event, Born) and e.stream == asked.certificate_id][:1]:
        picked[each.row.position] = each
    return [picked[position] for position in sorted(picked)]


def named(people: Iterable[Placed]) -> list[Placed]:
    """Of the people's streams, the events that say who they are."""
    return [each for each in people if isinstance(each.event, PrincipalCreated)]


def _own(order_id: UUID, found: Sequence[Placed]) -> Iterator[Placed]:
    """The work order's own events, and what was refused about it."""
    for each in found:
        refusal = isinstance(each.event, PushRefused) and each.event.subject_id == order_id
        if each.stream == order_id or refusal:
            yield each


def _attempts(order_id: UUID, found: Sequence[Placed]) -> Iterator[Placed]:
    """What became of each deployment of this work order, until the connector was pushed to for another one."""
    deployments: set[UUID] = set()
    current = False
    for each in found:
        event = each.event
        if isinstance(event, DeploymentRequested):
            current = event.work_order_id == order_id
            deployments |= {event.deployment_id} if current else set()
            mine = current
        elif isinstance(event, _OF_AN_ATTEMPT):
            mine = event.deployment_id in deployments
        elif isinstance(event, ValidationChanged):
            mine = event.work_order_id == order_id
        else:
            mine = current and isinstance(event, SyncChanged | TargetSystemDissociated)
        if mine:
            yield each


def _is_person(kind: ActorKind, key: str) -> bool:
    if kind is ActorKind.BRIDGE:
        return False
    try:
        return bool(UUID(key))
    except ValueError:
        return False
