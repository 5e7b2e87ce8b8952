"""How every use case is carried out: load the streams, let the domain decide, append once, answer with the position.

A use case is an async function from a `House` (what it may use), a `Context` (who asks, when, under which command id)
and its arguments to a `Done`. It is written as one attempt; `carry_out` repeats the attempt when a stream moved on
meanwhile, answers a repeated command id without deciding again, and records every refusal.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from application.ports import (
    Append,
    Appended,
    Change,
    Clock,
    Errands,
    Hints,
    Leases,
    Log,
    Presence,
    VersionConflict,
)
from application.vault_ports import KeyVault
from domain import ids
from domain.access import CommandRefused, PushRefused
from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused

S = TypeVar("S")
T = TypeVar("T")
ATTEMPTS = 12


class HouseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What operators may choose; times in seconds."""

    dispatch_deadline: float = 600.0
    lease_seconds: float = 60.0
    errand_deadline: float = 120.0
    bridge_silent_after: float = 60.0
    verification_grace: float = 60.0
    enrolment_seconds: float = 3600.0
    token_days: int = 90


class House(NamedTuple):
    """What use cases may use."""

    log: Log
    clock: Clock
    vault: KeyVault
    hints: Hints
    leases: Leases
    errands: Errands
    presence: Presence
    settings: HouseSettings = HouseSettings()


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, when and how.

    `command_id` makes the command idempotent; `chosen_by_client` tells that it stems from an Idempotency-Key, so that
    it may have been carried out already. `if_match` is the aggregate version the caller decided on (None: any).
    """

    actor: Actor
    at: datetime
    command_id: UUID
    body_sha256: bytes = b"\0" * 32
    correlation_id: UUID | None = None
    causation_position: int | None = None
    client_address: str | None = None
    credential: str | None = None
    if_match: int | None = None
    chosen_by_client: bool = False

    @property
    def meta(self) -> Meta:
        """What the events of this command carry."""
        return Meta(
            actor=self.actor,
            at=self.at,
            correlation_id=self.correlation_id or self.command_id,
            causation_position=self.causation_position,
            client_address=self.client_address,
            credential=self.credential,
        )

    def within(self, correlation_id: UUID) -> "Context":
        """The same, as part of an older conversation (a push request)."""
        return msgspec.structs.replace(self, correlation_id=correlation_id)

    def part(self, *names: object) -> "Context":
        """One of several commands that this one consists of; its id follows from this one's."""
        return msgspec.structs.replace(self, command_id=ids.derive("part", self.command_id, *names), if_match=None)


class Loaded(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """An aggregate as it was read: `version` 0 and `state` None where there is no such stream."""

    kind: AggregateType[S]
    id: UUID
    version: int
    state: S | None
    created_position: int | None = None

    @property
    def found(self) -> S:
        """The state; refuses with not-found where there is none."""
        if self.state is None:
            raise Refused(Code.NOT_FOUND, f"There is no {self.kind.name.replace('_', ' ')} {self.id}.")
        return self.state

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
        )
    return found


def check_version(context: Context, loaded: Loaded[Any]) -> None:
    """Refuse when the caller decided on another version (If-Match, RFC 9110, 13.1.1)."""
    if context.if_match is not None and context.if_match != loaded.version:
        raise Refused(
            Code.VERSION_CONFLICT,
            f"It has changed since you read it: version {loaded.version} now, you sent {context.if_match}. "
            "Read it again and decide again.",
            current_version=loaded.version,
        )


def decide(loaded: Loaded[S], decision: Callable[[S], tuple[Event, ...]]) -> tuple[Event, ...]:
    """Ask the domain; a refusal that itself changes the aggregate remembers the version it was made on."""
    try:
        return decision(loaded.found)
    except Refused as refused:
        refused.records_version = loaded.version
        raise


def write(loaded: Loaded[Any], events: Sequence[Event]) -> Change:
    """Append to what was loaded; without events, assert that it has not moved on."""
    return Change(stream_id=loaded.id, expected_version=loaded.version, events=tuple(events))


async def append(house: House, context: Context, *changes: Change) -> Appended:
    """Commit the changes of one command; a command without events is not written at all."""
    if not any(change.events for change in changes):
        head = await house.log.head()
        return Appended(first_position=head, last_position=head, recorded_at=context.at)
    return await house.log.append(
        Append(command_id=context.command_id, body_sha256=context.body_sha256, changes=changes)
    )


class Attempt(NamedTuple, Generic[T]):
    """What one attempt decided: the changes to append and the result to answer with."""

    changes: tuple[Change, ...]
    result: T


async def carry_out(
    house: House,
    context: Context,
    attempt: Callable[[], Awaitable[Attempt[T]]],
    *,
    subject_id: UUID,
    action: str,
    again: Callable[[], Awaitable[T]] | None = None,
) -> Done[T]:
    """Run one command to its end.

    `again` gives the result when this command id was carried out before (a client repeats after a lost answer); without
    it a repeat is decided anew, right only for idempotent decisions. `subject_id` and `action` name the refusal.
    """
    if again is not None and context.chosen_by_client:
        known = await house.log.find_command(context.command_id)
        if known is not None:
            return Done(result=await again(), position=known[1].last_position, repeated=True)
    try:
        return await _attempt_until_done(house, context, attempt)
    except Refused as refused:
        await record_refusal(house, context, refused, subject_id=subject_id, action=action)
        raise


async def _attempt_until_done(house: House, context: Context, attempt: Callable[[], Awaitable[Attempt[T]]]) -> Done[T]:
    for _ in range(ATTEMPTS):
        changes, result = await attempt()
        try:
            appended = await append(house, context, *changes)
        except VersionConflict:
            continue
        return Done(result=result, position=appended.last_position, repeated=appended.repeated)
    raise Refused(Code.VERSION_CONFLICT, "Others keep changing this at the same time; read it again and try once more.")


async def record_refusal(house: House, context: Context, refused: Refused, *, subject_id: UUID, action: str) -> None:
    """Append what the refusal itself changed, and the refusal, to its subject's access log.

    The refusal stream is not the aggregate's: nobody can make an approver's ETag stale by failing.
    """
    if refused.code is Code.NOT_FOUND:
        return  # about nothing that exists
    kind = PushRefused if action.startswith("push") else CommandRefused
    event = kind(
        meta=context.meta, subject_id=subject_id, action=action, code=refused.code.value, detail=refused.detail
    )
    changes = [Change(stream_id=ids.access_log_id(subject_id), expected_version=None, events=(event,))]
    if refused.records:
        changes.append(Change(stream_id=subject_id, expected_version=refused.records_version, events=refused.records))
    command = context.part("refusal", refused.code.value)
    try:
        await append(house, command, *changes)
    except VersionConflict:  # somebody else was faster; the refusal itself is kept all the same
        await append(house, command, changes[0])
