"""Random people, commands and events for the laws of the domain."""

import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from domain import work_order
from domain.entity import Actor, ActorKind, Event
from domain.errors import Refused
from domain.push_states import SupersededReason
from domain.work_order_state import WORK_ORDER, WorkOrder
from tests.support.histories import DAY, DIGEST, FIRST, HOUR, OTHER_DIGEST, SYSTEM, T0, by, policy, requested

LAW = settings(deadline=None, max_examples=70)

# ---------------------------------------------------------------- people

PEOPLE = ("ada", "ben", "cleo", "dov", "eva", "finn", "gita")


def _machine(kind: ActorKind) -> Callable[[str], Actor]:
    return lambda person: Actor(kind, f"{kind.value}-of-{person}", on_behalf_of=person)


ACTORS: st.SearchStrategy[Actor] = st.builds(
    lambda make, person: make(person),
    st.sampled_from(
        [
            lambda person: Actor(ActorKind.USER, person),
            _machine(ActorKind.USER),  # an API token
            _machine(ActorKind.AUTOMATION),
            _machine(ActorKind.COURIER),
        ]
    ),
    st.sampled_from(PEOPLE),
)

# ---------------------------------------------------------------- work orders


class Command(NamedTuple):
    """Something that somebody wants of a work order, `after` the command before."""

    name: str
    actor: Actor
    after: timedelta
    digest: str
    in_hours: int | None  # Manual Implementation off, for a time so far ahead


COMMANDS: st.SearchStrategy[Command] = st.builds(
    Command,
    name=st.sampled_from(
        ["approve", "implement"] * 6
        + ["reject", "cancel", "reschedule", "retry", "begin", "expire", "supersede", "complete", "fail"]
    ),
    actor=ACTORS,
    after=st.sampled_from([timedelta(0), timedelta(0), HOUR, HOUR, DAY, 4 * DAY]),
    digest=st.sampled_from([DIGEST] * 9 + [OTHER_DIGEST]),
    in_hours=st.sampled_from([None, None, 1, 30, 400]),
)


class Story(NamedTuple):
    """A policy of so many levels, who requested the push, and what everybody wanted afterwards."""

    levels: int
    requester: Actor
    commands: list[Command]


STORIES: st.SearchStrategy[Story] = st.builds(
    Story, st.integers(0, 5), ACTORS, st.lists(COMMANDS, min_size=1, max_size=30)
)


def carry_out(order: WorkOrder, command: Command, at: datetime) -> tuple[Event, ...]:
    """What the domain decides; raises Refused."""
    meta = by(command.actor, at)
    time = None if command.in_hours is None else at + command.in_hours * HOUR
    dialog: dict[str, Any] = {"manual_implementation": time is None, "scheduled_at": time}
    decisions: dict[str, Callable[[], tuple[Event, ...]]] = {
        "approve": lambda: work_order.approve(order, meta, **dialog),
        "implement": lambda: work_order.implement(order, meta, current_digest=command.digest, **dialog),
        "reject": lambda: work_order.reject(order, meta),
        "cancel": lambda: work_order.cancel(order, meta),
        "reschedule": lambda: work_order.reschedule(order, meta, scheduled_at=time or at + HOUR),
        "retry": lambda: work_order.retry(order, meta, current_digest=command.digest),
        "begin": lambda: work_order.begin_scheduled(order, by(SYSTEM, at)),
        "expire": lambda: work_order.expire(order, by(SYSTEM, at)),
        "supersede": lambda: work_order.supersede(order, by(SYSTEM, at), SupersededReason.CERTIFICATE_REVOKED),
        "complete": lambda: work_order.complete(order, by(SYSTEM, at), FIRST),
        "fail": lambda: work_order.fail(order, by(SYSTEM, at), FIRST, cause="unknown", message="no"),
    }
    return decisions[command.name]()


def decide(order: WorkOrder, command: Command, at: datetime) -> tuple[Event, ...]:
    """What becomes of the command; a refusal leaves its records."""
    try:
        return carry_out(order, command, at)
    except Refused as refused:
        return refused.records


def tell(story: Story) -> tuple[tuple[Event, ...], WorkOrder, datetime]:
    """The history that a story makes, the state it ends in, and when."""
    history = requested(by(story.requester), policy(story.levels))
    order, at = WORK_ORDER.fold(history), T0
    assert order is not None
    for command in story.commands:
        at += command.after
        events = decide(order, command, at)
        order, history = WORK_ORDER.fold(events, order) or order, (*history, *events)
    return history, order, at


# ---------------------------------------------------------------- any event

_ZONES = st.sampled_from([UTC, UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=3))])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    UUID: st.uuids(),
    datetime: st.datetimes(timezones=_ZONES, allow_imaginary=False),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=36500)),
    Any: _JSON,
}
_NOTHING: dict[Any, st.SearchStrategy[Any]] = {
    types.NoneType: st.none(),
    msgspec.UnsetType: st.just(msgspec.UNSET),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this type may hold."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(_NOTHING[arg] if arg in _NOTHING else values(arg) for arg in args))
    if origin is tuple:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=5), values(args[1]), max_size=3)
    if hint in _PLAIN:
        return _PLAIN[hint]
    return st.sampled_from(hint) if issubclass(hint, Enum) else structs(hint)


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any value of a struct, with and without its optional fields."""
    hints = get_type_hints(kind)
    fields = msgspec.structs.fields(kind)
    return st.fixed_dictionaries(
        {f.name: values(hints[f.name]) for f in fields if f.required},
        optional={f.name: values(hints[f.name]) for f in fields if not f.required},
    ).map(lambda found: kind(**found))
