"""A command made ready for the log: every event as the bytes that will be stored, nothing left that could fail late."""

import os
import secrets
from collections.abc import Callable
from uuid import UUID

import msgspec

from application import codec
from application.leaf import SALT_BYTES, Description, NotStorable, describe, leaf_head, refuse_unstorable
from application.ports import Append, Change
from domain.entity import Event

NewSalt = Callable[[], bytes]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One event as it is stored, but for what only the log knows: version, position, instant."""

    topic: str
    payload: bytes
    salt: bytes
    actor: str
    correlation_id: UUID
    leaf_head: bytes


class PreparedChange(msgspec.Struct, frozen=True, gc=False):
    """What a command does to one stream; no entries: an assertion."""

    stream_id: UUID
    expected_version: int | None
    entries: tuple[Entry, ...]


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A command ready to be appended."""

    command_id: UUID
    body_sha256: bytes
    answer: bytes | None
    changes: tuple[PreparedChange, ...]
    events: int
    size: int = 0  # bytes, about


_drawn: list[bytes] = []
_AT_ONCE = 64
os.register_at_fork(after_in_child=_drawn.clear)


def new_salt() -> bytes:
    """Fresh random bytes for one event. The kernel is asked for many at once; a forked process asks for its own."""
    while True:
        try:
            return _drawn.pop()
        except IndexError:
            fresh = secrets.token_bytes(_AT_ONCE * SALT_BYTES)
            _drawn.extend(fresh[at : at + SALT_BYTES] for at in range(0, len(fresh), SALT_BYTES))


def prepare(command: Append, salt: NewSalt = new_salt) -> Prepared:
    """Encode a command. Raises NotStorable, or ValueError for a command that cannot mean anything."""
    _check(command)
    changes = tuple([_prepared(change, salt) for change in command.changes])
    events = size = 0
    for change in changes:
        for each in change.entries:
            events += 1
            size += len(each.payload) + len(each.leaf_head)
    return Prepared(command.command_id, command.body_sha256, command.answer, changes, events, size)


def _prepared(change: Change, salt: NewSalt) -> PreparedChange:
    stream_id = change.stream_id
    entries = tuple([entry(stream_id, event, salt) for event in change.events])
    return PreparedChange(stream_id, change.expected_version, entries)


def entry(stream_id: UUID, event: Event, salt: NewSalt = new_salt) -> Entry:
    """Encode one event. Raises NotStorable."""
    try:
        return encoded_entry(stream_id, describe(event), codec.encode(event), salt())
    except UnicodeEncodeError:
        raise NotStorable(f"{event.topic}: a text contains half a surrogate pair") from None


def encoded_entry(stream_id: UUID, event: Description, payload: bytes, salt: bytes) -> Entry:
    """An entry of an event that is encoded already. Raises NotStorable."""
    refuse_unstorable(event.topic, payload)
    head = leaf_head(stream_id, event, payload, salt)
    actor = event.meta.actor
    return Entry(event.topic, payload, salt, actor.kind.value + ":" + actor.id, event.meta.correlation_id, head)


def _check(command: Append) -> None:
    if len(command.body_sha256) != 32:
        raise ValueError("body_sha256 has 32 bytes")
    if len(command.changes) > 1 and len({change.stream_id for change in command.changes}) != len(command.changes):
        raise ValueError("a command names each stream once")
    for change in command.changes:
        if change.expected_version is None and not change.events:
            raise ValueError("a change without events asserts a version, so it needs one")
        if change.expected_version is not None and change.expected_version < 0:
            raise ValueError("a version is 0 or more")
