"""What every event carries, and how an aggregate is described.

An event is a frozen value with a public topic (`work_order.push.approved`), never a Python path. An event without
an actor cannot be constructed: `meta` has no default. State is the fold of events by a pure `evolve` function.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec

from domain.personal import ClientAddress

S = TypeVar("S")


class ActorKind(StrEnum):
    """Who acts (domain page, "Actor")."""

    USER = "user"
    COURIER = "courier"
    ACME_CLIENT = "acme_client"
    BRIDGE = "bridge"
    AUTOMATION = "automation"
    SYSTEM = "system"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who did it. `id` is the principal's, bridge's or automation's id; `on_behalf_of` the person behind a machine."""

    kind: ActorKind
    id: str
    on_behalf_of: str | None = None


class Meta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The circumstances of an event: who, when, in which conversation, because of what, from where."""

    actor: Actor
    at: datetime
    correlation_id: UUID
    causation_position: int | None = None
    client_address: ClientAddress | None = None
    credential: str | None = None  # the token or session that authenticated the actor; an id, never a secret


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of every event. Concrete events declare `topic`; two events never share one."""

    topic: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1
    meta: Meta

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        topic = cls.__dict__.get("topic")
        if not topic:
            raise TypeError(f"{cls.__qualname__} declares no topic")
        owner = TOPICS.get(topic, cls)
        if (owner.__module__, owner.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"topic {topic} belongs to {owner.__module__}.{owner.__qualname__}")
        TOPICS[topic] = cls

    def subjects(self) -> tuple[UUID, ...]:
        """Every id the event names in its own fields (the stream's own id is added by the ledger)."""
        names = _uuid_fields(type(self))
        return tuple([named for name in names for named in _ids(getattr(self, name))]) if names else ()


TOPICS: dict[str, type[Event]] = {}
_UUID_FIELDS: dict[type[Event], tuple[str, ...]] = {}
_ID_TYPES = (UUID, UUID | None, tuple[UUID, ...])


def _ids(value: UUID | tuple[UUID, ...] | None) -> tuple[UUID, ...]:
    if isinstance(value, UUID):
        return (value,)
    return value or ()


def _uuid_fields(cls: type[Event]) -> tuple[str, ...]:
    names = _UUID_FIELDS.get(cls)
    if names is None:
        names = tuple(name for name, hint in get_type_hints(cls).items() if hint in _ID_TYPES)
        _UUID_FIELDS[cls] = names
    return names


class AggregateType(msgspec.Struct, Generic[S], frozen=True):
    """One kind of aggregate: its public name, and the fold that rebuilds it, one small function per event type.

    Folding an event that the table does not list raises KeyError: that is a bug, never data. A state is never changed
    in place.
    """

    name: str
    table: Mapping[type[Event], Callable[[Any, Any], S]]

    @property
    def events(self) -> tuple[type[Event], ...]:
        """The events of this aggregate's streams."""
        return tuple(self.table)

    def evolve(self, state: S | None, event: Event) -> S:
        """The state after one more event; `None` before the first."""
        return self.table[type(event)](state, event)

    def fold(self, events: Iterable[Event], state: S | None = None) -> S | None:
        """The state after `events`, or None where there are none."""
        for event in events:
            state = self.evolve(state, event)
        return state


def unchanged(state: S, _: Event) -> S:
    """For events that are history only and leave the state as it is."""
    return state
