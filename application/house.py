"""How every use case is carried out: load the streams, let the domain decide, append once, answer with the position.

A use case is an async function from a `House` (what it may use), a `Context` (who asks, when, under which command id)
and its arguments to a `Done`. It is written as one attempt; `carry_out` repeats the attempt when a stream moved on
meanwhile, answers a repeated command id without deciding again, and records every refusal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec

from application.context import Context, House, HouseSettings
from application.personal import check_sealed, with_sealed_addresses
from application.ports import Append, Appended, Change, CommandIdReused, VersionConflict
from domain import ids
from domain.access import CommandRefused, PushRefused
from domain.entity import AggregateType, Event
from domain.errors import Code, Refused

__all__ = [
    "Attempt",
    "Context",
    "Done",
    "House",
    "HouseSettings",
    "Loaded",
    "append",
    "as_read",
    "carry_out",
    "check_version",
    "decide",
    "load",
    "load_many",
    "reading_back",
    "record_refusal",
    "shown_once",
    "unwritten",
    "write",
]

S = TypeVar("S")
T = TypeVar("T")
ATTEMPTS = 12


class Loaded(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """An aggregate as it was read: `version` 0 and `state` None where there is no such stream.

    `conversation` is the correlation id of its first event.
    """

    kind: AggregateType[S]
    id: UUID
    version: int
    state: S | None
    created_position: int | None = None
    conversation: UUID | None = None

    @property
    def found(self) -> S:
        """The state; refuses with not-found where there is none."""
        if self.state is None:
            raise Refused(Code.NOT_FOUND, self._absent)
        return self.state

    def named_by(self, pointer: str) -> S:
        """The state of something that a field of the body names; where there is none, the field is to blame."""
        if self.state is None:
            raise Refused(Code.VALIDATION_FAILED, self._absent, pointer=pointer)
        return self.state

    @property
    def _absent(self) -> str:
        return f"There is no {self.kind.name.replace('_', ' ')} {self.id}."

    def after(self, events: Sequence[Event]) -> "Loaded[S]":
        """As it will be when `events` are appended."""
        return msgspec.structs.replace(
            self, version=self.version + len(events), state=self.kind.fold(events, self.state)
        )


class Done(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A command that was carried out: its result, and the position to wait for to read it back (`Event-Position`)."""

    result: T
    position: int
    repeated: bool = False


async def load(house: House, kind: AggregateType[S], stream_id: UUID) -> Loaded[S]:
    """One aggregate."""
    return (await load_many(house, kind, [stream_id]))[stream_id]


async def load_many(house: House, kind: AggregateType[S], stream_ids: Sequence[UUID]) -> dict[UUID, Loaded[S]]:
    """Several aggregates of one kind in one read; an id that belongs to another kind counts as not found."""
    streams = await house.log.load(stream_ids)
    found: dict[UUID, Loaded[S]] = {}
    for stream_id, recorded in streams.items():
        of_kind = [r for r in recorded if type(r.event) in kind.table]
        found[stream_id] = Loaded(
            kind=kind,
            id=stream_id,
            version=of_kind[-1].version if of_kind else 0,
            state=kind.fold(r.event for r in of_kind),
            created_position=of_kind[0].position if of_kind else None,
            conversation=of_kind[0].event.meta.correlation_id if of_kind else None,
        )
    return found


def unwritten(kind: AggregateType[S], stream_id: UUID) -> Loaded[S]:
    """An aggregate of which nothing is recorded, as far as anybody could know: the log says so when it is written."""
    return Loaded(kind=kind, id=stream_id, version=0, state=None)


def check_version(context: Context, loaded: Loaded[Any]) -> None:
    """Refuse when the caller decided on another version (If-Match, RFC 9110, 13.1.1), or on what is not there."""
    if context.if_match is not None:
        _ = loaded.found
        check_if_match(context, loaded.version)


def check_if_match(context: Context, version: int) -> None:
    """The same for what has a version of its own within a stream: others that change meanwhile do not matter."""
    if context.if_match is not None and context.if_match != version:
        raise Refused(
            Code.VERSION_CONFLICT,
            f"It has changed since you read it: version {version} now, you sent {context.if_match}. "
            "Read it again and decide again.",
            current_version=version,
        )


def decide(loaded: Loaded[S], decision: Callable[[S], tuple[Event, ...]]) -> tuple[Event, ...]:
    """Ask the domain; a refusal that itself changes the aggregate remembers the version it was made on."""
    try:
        return decision(loaded.found)
    except Refused as refused:
        refused.records_stream, refused.records_version = loaded.id, loaded.version
        raise


def write(loaded: Loaded[Any], events: Sequence[Event]) -> Change:
    """Append to what was loaded; without events, assert that it has not moved on."""
    return Change(stream_id=loaded.id, expected_version=loaded.version, events=tuple(events))


async def append(house: House, context: Context, *changes: Change) -> Appended:
    """Commit the changes of one command; a command without events is not written at all. Raises Refused(outside-scope)
    for whoever was let in by a role within a scope, where no use case looked whether it reaches this.
    """
    context.check_reach()
    if not any(change.events for change in changes):
        head = await house.log.head()
        return Appended(first_position=head, last_position=head, recorded_at=context.at)
    ready = tuple([await _ready(house, change) if change.events else change for change in changes])
    return await house.log.append(Append(command_id=context.command_id, body_sha256=context.body_sha256, changes=ready))


async def _ready(house: House, change: Change) -> Change:
    """Personal texts leave sealed: what somebody wrote is by now, addresses are sealed here."""
    for event in change.events:
        check_sealed(event)
    if all(event.meta.client_address is None for event in change.events):
        return change
    return msgspec.structs.replace(change, events=await with_sealed_addresses(house.texts, change.events))


class Attempt(NamedTuple, Generic[T]):
    """What one attempt decided: the changes to append and the result to answer with. `within`: the context with the
    roles that count for what it concerns, where these depend on that.
    """

    changes: tuple[Change, ...]
    result: T
    within: Context | None = None


async def carry_out(
    house: House,
    context: Context,
    attempt: Callable[[], Awaitable[Attempt[T]]],
    *,
    subject_id: UUID,
    action: str,
    again: Callable[[], Awaitable[T]] | None = None,
    refused_in: Callable[[], Context] | None = None,
) -> Done[T]:
    """Run one command to its end.

    `again` gives the result when this command id was carried out before (a client repeats after a lost answer, a
    reaction runs twice); without it a repeat is decided anew, right only for idempotent decisions. `subject_id` and
    `action` name the refusal, `refused_in` its conversation where that is known only after loading.
    """

    async def refuse(refused: Refused) -> bool:
        within = refused_in() if refused_in is not None else context
        return await record_refusal(house, within, refused, subject_id=subject_id, action=action)

    if context.chosen_by_client and (known := await _carried_out_before(house, context, again, refuse)):
        return known
    for number in range(ATTEMPTS):
        # After a conflict one waits for one's turn: many at once would only go on overtaking each other.
        async with _turn(subject_id) if number else nullcontext():
            try:
                changes, result, within = await attempt()
                appended = await append(house, within or context, *changes)
            except VersionConflict:
                continue
            except Refused as refused:
                # A twin of this command may have been faster: what it has done would be refused to this one.
                if known := await _carried_out_before(house, context, again, refuse):
                    return known
                if await refuse(refused):
                    raise
                continue
        if appended.repeated and again is not None:
            result = await again()
        return Done(result=result, position=appended.last_position, repeated=appended.repeated)
    busy = Refused(
        Code.VERSION_CONFLICT, "Others keep changing this at the same time; read it again and try once more."
    )
    await refuse(busy)
    raise busy


_turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()


def _turn(subject_id: UUID) -> asyncio.Lock:
    """The queue of this process for one subject; other processes are kept apart by the log alone."""
    return _turns.setdefault(subject_id, asyncio.Lock())


async def _carried_out_before(
    house: House,
    context: Context,
    again: Callable[[], Awaitable[T]] | None,
    refuse: Callable[[Refused], Awaitable[bool]],
) -> Done[T] | None:
    """The answer to a command that was carried out already. Raises CommandIdReused when it had another body."""
    if again is None:
        return None
    known = await house.log.find_command(context.command_id)
    if known is None:
        return None
    body_sha256, appended = known
    if body_sha256 != context.body_sha256:
        raise CommandIdReused(f"the command id {context.command_id} was used before with another body")
    try:
        return Done(result=await again(), position=appended.last_position, repeated=True)
    except Refused as refused:
        await refuse(refused)
        raise


def reading_back(house: House, kind: AggregateType[S], stream_id: UUID) -> Callable[[], Awaitable[Loaded[S]]]:
    """`again` of most commands: the aggregate as it is now."""

    async def again() -> Loaded[S]:
        return await load(house, kind, stream_id)

    return again


def as_read(house: House, loaded: Loaded[S]) -> Callable[[], Awaitable[Loaded[S]]]:
    """The aggregate as it was read a moment ago; asked again, because it has changed meanwhile, as it is then."""
    read = [loaded]

    async def now() -> Loaded[S]:
        return read.pop() if read else await load(house, loaded.kind, loaded.id)

    return now


async def shown_once() -> Any:
    """`again` of commands whose result holds a secret: there is nothing to show a second time."""
    raise Refused(
        Code.ALREADY_EXISTS,
        "This was carried out already, and the secret it made was shown then. If it was lost, revoke what was made and "
        "make a new one.",
    )


async def record_refusal(house: House, context: Context, refused: Refused, *, subject_id: UUID, action: str) -> bool:
    """Append the refusal to its subject's access log, together with what the refusal itself changed.

    The refusal stream is not the aggregate's: nobody can make an approver's ETag stale by failing. False, and nothing
    is kept, when the aggregate has moved on since: then it is to be decided again.
    """
    if refused.code is Code.NOT_FOUND:
        return True  # about nothing that exists
    context = msgspec.structs.replace(context, needs=frozenset())  # whoever may do nothing may be told of
    changes = _told(context, refused, subject_id, action)
    # With the body: a client that was refused may send another body under the same key.
    decided_on = [each.expected_version for each in changes if each.expected_version is not None]
    part = context.part("refusal", refused.code.value, context.body_sha256.hex(), *decided_on)
    try:
        await append(house, part, *changes)
    except VersionConflict:
        return False
    return True


def _told(context: Context, refused: Refused, subject_id: UUID, action: str) -> list[Change]:
    """What is kept of a refusal. Records on a stream beside the subject's own (a dialog) tell of it by themselves."""
    stream_id, version = refused.records_stream or subject_id, refused.records_version
    records = [Change(stream_id=stream_id, expected_version=version, events=refused.records)] if refused.records else []
    if records and stream_id != subject_id:
        return records
    kind = PushRefused if action.startswith("push") else CommandRefused
    event = kind(
        meta=context.meta, subject_id=subject_id, action=action, code=refused.code.value, detail=refused.detail
    )
    return [Change(stream_id=ids.access_log_id(subject_id), expected_version=None, events=(event,)), *records]
