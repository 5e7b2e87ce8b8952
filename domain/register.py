"""Registers: all descriptions of one kind (issuance policies, expiry alert rules) in one stream, version by version.

One stream, so that a decision that rests on all of them and a change of one cannot pass each other unseen: both rest on
the stream's version. Each entry has a version of its own, which counts its events.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

import msgspec

from domain.entity import Actor, AggregateType, Event, Meta
from domain.errors import Code, Refused

_replace = msgspec.structs.replace


class Named(Protocol):
    """What a register describes has a name, unique among the entries that are in force."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


class Revision(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What an entry says since `at`."""

    version: int
    terms: T
    at: datetime
    by: Actor


class Entry(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One entry with all its revisions, oldest first."""

    id: UUID
    revisions: tuple[Revision[T], ...]
    retired_at: datetime | None = None

    @property
    def terms(self) -> T:
        """What it says now."""
        return self.revisions[-1].terms

    @property
    def retired(self) -> bool:
        """Is it out of force?"""
        return self.retired_at is not None

    @property
    def version(self) -> int:
        """How many events it has."""
        return len(self.revisions) + self.retired


class Register(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """All entries in the order in which they were made."""

    entries: tuple[Entry[T], ...] = ()

    @property
    def in_force(self) -> tuple[Entry[T], ...]:
        """Those that count."""
        return tuple(entry for entry in self.entries if not entry.retired)

    def get(self, entry_id: UUID) -> Entry[T] | None:
        """One entry."""
        return next((entry for entry in self.entries if entry.id == entry_id), None)


class Kind(NamedTuple, Generic[T]):
    """What is in a register: in words ("issuance policy"), its stream, its fold, and how its events are made."""

    words: str
    stream: UUID
    aggregate: AggregateType[Register[T]]
    created: Callable[[Meta, UUID, T], Event]
    changed: Callable[[Meta, UUID, T], Event]
    retired: Callable[[Meta, UUID], Event]
    initial: Register[T] = Register()
    """Entries that are there from the beginning: they can be changed, and never retired."""


def create(kind: Kind[T], known: Register[T] | None, meta: Meta, entry_id: UUID, terms: T) -> tuple[Event, ...]:
    """One more entry; the same id again makes no event. Raises Refused(already-exists) for a name that is taken."""
    register = known or kind.initial
    if register.get(entry_id) is not None:
        return ()
    _check_name(kind, register, entry_id, terms.name)
    return (kind.created(meta, entry_id, terms),)


def change(kind: Kind[T], known: Register[T] | None, meta: Meta, entry_id: UUID, terms: T) -> tuple[Event, ...]:
    """The new description of an entry; the same one again makes no event."""
    register = known or kind.initial
    entry = found(kind, register, entry_id)
    if entry.retired:
        sentence = f"The {kind.words} {entry.terms.name} is retired; create another one."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="retired", allowed=[])
    if terms == entry.terms:
        return ()
    _check_name(kind, register, entry_id, terms.name)
    return (kind.changed(meta, entry_id, terms),)


def retire(kind: Kind[T], known: Register[T] | None, meta: Meta, entry_id: UUID) -> tuple[Event, ...]:
    """Out of force, once; a repeat makes no event."""
    entry = found(kind, known, entry_id)
    if kind.initial.get(entry_id) is not None:
        sentence = f"The {kind.words} {entry.terms.name} is always there: change it instead."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="built_in", allowed=["change"])
    return () if entry.retired else (kind.retired(meta, entry_id),)


def found(kind: Kind[T], known: Register[T] | None, entry_id: UUID) -> Entry[T]:
    """An entry. Raises Refused(not-found)."""
    entry = (known or kind.initial).get(entry_id)
    if entry is None:
        raise Refused(Code.NOT_FOUND, f"There is no {kind.words} {entry_id}.")
    return entry


def with_entry(state: Register[T] | None, meta: Meta, entry_id: UUID, terms: T) -> Register[T]:
    """The register after an entry was created."""
    entry = Entry(id=entry_id, revisions=(Revision(version=1, terms=terms, at=meta.at, by=meta.actor),))
    return Register(entries=(*(state.entries if state is not None else ()), entry))


def with_revision(state: Register[T], meta: Meta, entry_id: UUID, terms: T) -> Register[T]:
    """The register after an entry was changed."""

    def revised(entry: Entry[T]) -> Entry[T]:
        revision = Revision(version=entry.version + 1, terms=terms, at=meta.at, by=meta.actor)
        return _replace(entry, revisions=(*entry.revisions, revision))

    return _with(state, entry_id, revised)


def without(state: Register[T], meta: Meta, entry_id: UUID) -> Register[T]:
    """The register after an entry was retired."""
    return _with(state, entry_id, lambda entry: _replace(entry, retired_at=meta.at))


def _with(state: Register[T], entry_id: UUID, changed: Callable[[Entry[T]], Entry[T]]) -> Register[T]:
    return Register(entries=tuple(changed(entry) if entry.id == entry_id else entry for entry in state.entries))


def _check_name(kind: Kind[Any], register: Register[Any], entry_id: UUID, name: str) -> None:
    for entry in register.in_force:
        if entry.id != entry_id and entry.terms.name.casefold() == name.casefold():
            raise Refused(Code.ALREADY_EXISTS, f"An {kind.words} named {name} exists already.", pointer="/name")
