"""The one eventsourcing Application: our events and decisions on the library's repository, subscriptions and tools.

Functional style: an event is a frozen value of ours with its place in a stream around it, a state is folded by the
aggregate's own pure `evolve`, topics are the public topics. The environment chooses where it is kept: in memory by
default, in the ledger with `adapters.postgres.recorder.ledger_environment`. The service itself appends through
application.ports.Log, in groups; this is the same ledger for tools that speak the library's language.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from application import codec
from domain.entity import AggregateType, Event

S = TypeVar("S")


class StreamEvent(msgspec.Struct, frozen=True):
    """An event at its place: what the library calls a domain event."""

    originator_id: UUID
    originator_version: int
    event: Event


class Versioned(msgspec.Struct, Generic[S], frozen=True):
    """The state of a stream after its event number `version`: what the library calls an immutable aggregate."""

    id: UUID
    version: int
    state: S


class LedgerMapper(Mapper[UUID]):
    """Stores an event as its topic and its payload (application.codec), uncompressed and in clear."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        if not isinstance(domain_event, StreamEvent):
            raise TypeError(f"{type(domain_event).__qualname__} is no event of the ledger: save StreamEvents")
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.event.topic,
            state=codec.encode(domain_event.event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        if not isinstance(stored_event.originator_id, UUID):
            raise TypeError("streams of the ledger have UUIDs")
        event = codec.decode(stored_event.topic, stored_event.state)
        return StreamEvent(stored_event.originator_id, stored_event.originator_version, event)


class Ledger(Application[UUID]):
    """`save(*following(...))`, `repository.get(stream_id, projector_func=projector(AGGREGATE))`, `notification_log`."""

    name = "ledger"
    env: ClassVar[dict[str, str]] = {"MAPPER_TOPIC": "application.log:LedgerMapper"}
    log_section_size = 1000


def following(stream_id: UUID, version: int, events: Iterable[Event]) -> list[StreamEvent]:
    """The events at the places after `version` (0: a new stream)."""
    return [StreamEvent(stream_id, place, event) for place, event in enumerate(events, version + 1)]


def projector(
    aggregate: AggregateType[S],
) -> Callable[[Versioned[S] | None, Iterable[StreamEvent]], Versioned[S] | None]:
    """A projector function for the library's repository."""

    def project(known: Versioned[S] | None, events: Iterable[StreamEvent]) -> Versioned[S] | None:
        for each in events:
            state = aggregate.evolve(known.state if known else None, each.event)
            known = Versioned(each.originator_id, each.originator_version, state)
        return known

    return project
