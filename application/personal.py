"""Personal texts on their way into events: sealed where the command enters, opened where answers leave.

A use case seals what somebody wrote before the domain sees it (`sealed`), so that events, states, read models, kept
answers and archives hold the same opaque text. Client addresses are sealed when an event is appended; `check_sealed`
refuses an event that holds a personal text in clear, so that no use case forgets it.
"""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

import msgspec

from domain.entity import Actor, Event, Meta
from domain.errors import Code, Refused
from domain.personal import is_reserved, is_sealed, personal_fields
from domain.subjects import subject_of

_replace = msgspec.structs.replace


class SubjectGone(Exception):
    """Nothing more can be sealed for somebody whose data was erased."""


class NotSealed(TypeError):
    """A use case would have written a personal text in clear. A bug: nothing is appended."""


class Opens(Protocol):
    """Opens personal texts."""

    async def open(self, sealed: Iterable[str]) -> dict[str, str]:
        """What to show for each sealed text: the text, domain.personal.ERASED or UNREADABLE."""
        ...


class PersonalTexts(Opens, Protocol):
    """Seals and opens personal texts, with one key per subject that can be destroyed."""

    async def seal(self, subject: UUID, kind: str, text: str) -> str:
        """The sealed text; a subject's first one makes its key. Raises SubjectGone."""
        ...

    async def id_of(self, name: str) -> UUID | None:
        """Who is called this, whatever the case; None: nobody."""
        ...

    async def reserve(self, name: str) -> UUID:
        """The id of whoever is called this, or will be: the same one until they are erased."""
        ...

    async def keep_fresh(self) -> None:
        """For ever: look whether keys were destroyed elsewhere, so that nobody has to wait for it."""
        ...

    def forget(self, subject: UUID) -> None:
        """Their data is erased: keep no opened key of theirs a moment longer in this process."""
        ...

    async def keys(self, subject: UUID) -> int:
        """How many keys are there to destroy?"""
        ...

    async def destroy(self, subject: UUID) -> None:
        """Destroy the subject's key and forget the name; again is harmless. No process uses it a second later."""
        ...


async def sealed(
    texts: PersonalTexts,
    actor: Actor,
    text: str | None,
    *,
    pointer: str = "/comment",
    of: UUID | None = None,
    kind: str = "text",
) -> str | None:
    """What somebody wrote, sealed as theirs (or as a text about `of`). What machines write stays as it is."""
    subject = of or subject_of(actor)
    if text is None or subject is None:
        return text
    return await sealed_for(texts, subject, kind, text, pointer=pointer)


async def sealed_for(texts: PersonalTexts, subject: UUID, kind: str, text: str, *, pointer: str) -> str:
    """A text sealed for somebody. Refuses what could be taken for a sealed or an erased text."""
    if is_reserved(text):
        raise Refused(Code.VALIDATION_FAILED, "This text is reserved; write something else.", pointer=pointer)
    try:
        return await texts.seal(subject, kind, text)
    except SubjectGone:
        sentence = "This principal's data was erased; nothing more is written for them."
        raise Refused(Code.INVALID_TRANSITION, sentence, current_status="erased", allowed=[]) from None


async def with_sealed_addresses(texts: PersonalTexts, events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The same events; client addresses of people are sealed, once for all events of a command."""
    made: dict[int, Meta] = {}
    found: list[Event] = []
    for event in events:
        meta = event.meta
        if meta.client_address is None or is_sealed(meta.client_address):
            found.append(event)
            continue
        if id(meta) not in made:
            made[id(meta)] = await _with_sealed_address(texts, meta, meta.client_address)
        found.append(_replace(event, meta=made[id(meta)]))
    return tuple(found)


async def _with_sealed_address(texts: PersonalTexts, meta: Meta, address: str) -> Meta:
    subject = subject_of(meta.actor)
    if subject is None:
        return meta
    try:
        return _replace(meta, client_address=await texts.seal(subject, "address", address))
    except SubjectGone:
        return _replace(meta, client_address=None)


def check_sealed(event: Event) -> None:
    """Raise NotSealed for a personal text in clear, unless a machine wrote it."""
    for name, kind in personal_fields(type(event)):
        found = getattr(event, name)
        for text in found if isinstance(found, tuple) else (found,):
            if text and not is_sealed(text) and (kind == "name" or subject_of(event.meta.actor) is not None):
                raise NotSealed(f"{event.topic}: {name} is not sealed")
