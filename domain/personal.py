"""Personal texts: what people are called, what they wrote, where they came from.

In events, and so in everything made of them, they are sealed: opaque words that name the person they belong to (the
*subject*) and open with that person's key alone. The domain treats them as texts. Destroying the key erases them
everywhere at once, from the past as well, and no proof changes (docs/how-to/erase-a-person.md).
"""

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

import msgspec

PREFIX = "cf-sealed:1:"
"""How every sealed text begins: `cf-sealed:1:<kind>:<subject, 32 hex digits>:<base64url>`."""
ERASED = "[erased]"
"""What is shown where the key of a text is gone. Nobody can write it, so it is never taken for a text."""
UNREADABLE = "[unreadable]"
"""What is shown instead of a sealed text that was forged, changed or moved."""


class Personal(msgspec.Struct, frozen=True):
    """Marks a field of an event that holds a personal text. `kind` is part of what the text is sealed to."""

    kind: str


WrittenText = Annotated[str, Personal("text")]
"""A comment, a statement, a label: it belongs to whoever wrote it, or to the principal it is about."""
PersonName = Annotated[str, Personal("name")]
"""What somebody is called."""
ClientAddress = Annotated[str, Personal("address")]
"""Where a command came from; sealed where it belongs to a person: the addresses of machines are not personal."""
MailAddress = Annotated[str, Personal("mail")]
"""Where somebody gets mail; sealed as a text of whoever wrote it down."""


class PersonalField(NamedTuple):
    """A field of an event, and the kind of text in it."""

    name: str
    kind: str


@cache
def personal_fields(kind: type) -> tuple[PersonalField, ...]:
    """The fields of a type of events that hold personal texts."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(PersonalField(name, mark.kind) for name, hint in hints.items() for mark in _marks(hint))


def _marks(hint: Any) -> Iterator[Personal]:
    """The marks of a type, also within `... | None`."""
    for part in get_args(hint):
        if isinstance(part, Personal):
            yield part
        elif not isinstance(part, type):
            yield from _marks(part)


def is_sealed(text: str) -> bool:
    """Is it, by its looks, a sealed text?"""
    return text.startswith(PREFIX)


def is_reserved(text: str) -> bool:
    """Would it be taken for something else than a text that somebody wrote?"""
    return PREFIX in text or text in (ERASED, UNREADABLE)
