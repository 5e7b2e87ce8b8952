# noqa: INP001  (a script beside the pages, no package)
"""The reference page of all events, from the catalogue: `python docs/generate_events.py` writes it.

A test keeps the committed page current.
"""

import sys
import types
import typing
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import Enum
from inspect import cleandoc
from pathlib import Path  # noqa: TID251  (banned in domain/ only)
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import UnsetType

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # run as a script, from anywhere

from domain.catalogue import AGGREGATES  # noqa: E402
from domain.entity import Event, Meta  # noqa: E402
from domain.personal import personal_fields  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "events.md"

INTRODUCTION = """\
# Events

<!-- Written by docs/generate_events.py from domain/catalogue.py; do not edit. -->

Everything that happened is an event: a public topic, the fields below, and `meta`. This page lists every topic with the
aggregate whose history it belongs to, when it is recorded, and its fields. The topic is the audit type
(`/api/v1/audit-events?type=work_order.push.*`). The payload is UTF-8 JSON in exactly this shape; optional fields that
hold their default may be left out. The event's own fields of type `uuid`, and the id of its aggregate, are its
subjects: `/api/v1/audit-events?subject=` finds it by each of them. Every event carries `meta`, a [Meta](#meta).
Texts marked *sealed* are personal: they stand in the payload as `cf-sealed:1:...`, and open with a key of the person's
that can be destroyed ([how](../how-to/erase-a-person.md)).
"""

_PLAIN: dict[Any, str] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    bytes: "base64",
    UUID: "uuid",
    datetime: "instant (RFC 3339, UTC)",
    timedelta: "duration (ISO 8601)",
    Any: "any JSON",
}


def page() -> str:
    """The whole page."""
    values = list(_values_of(event for aggregate in AGGREGATES for event in aggregate.events))
    parts = [
        INTRODUCTION,
        _contents(),
        *(_aggregate(aggregate.name, aggregate.events) for aggregate in AGGREGATES),
        "## Values\n\nWhat the fields of events are made of.\n",
        *(_value(value) for value in sorted(values, key=lambda value: value.__name__.casefold())),
    ]
    return "\n".join(parts)


def _contents() -> str:
    rows = [
        f"| [{_title(aggregate.name)}](#{aggregate.name.replace('_', '-')}) | "
        + ", ".join(f"`{event.topic}`" for event in aggregate.events)
        + " |"
        for aggregate in AGGREGATES
    ]
    return "\n".join(["| aggregate | topics |", "|---|---|", *rows, ""])


def _aggregate(name: str, events: Iterable[type[Event]]) -> str:
    return "\n".join([f"## {_title(name)}\n", *map(_event, events)])


def _event(event: type[Event]) -> str:
    head = f"### `{event.topic}`\n\nVersion {event.schema_version}. {cleandoc(event.__doc__ or '')}\n"
    rows = _fields(event, leave_out=("meta",))
    return f"{head}\n{rows}" if rows else f"{head}\nNo fields but `meta`.\n"


def _value(value: type) -> str:
    head = f"### {value.__name__}\n\n{cleandoc(value.__doc__ or '')}\n"
    if issubclass(value, Enum):
        return f"{head}\nOne of {', '.join(f'`{member.value}`' for member in value)}.\n"
    return f"{head}\n{_fields(value)}"


def _fields(kind: type, leave_out: tuple[str, ...] = ()) -> str:
    hints = get_type_hints(kind)
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in leave_out]
    if not fields:
        return ""
    sealed = {field.name: ", sealed" for field in personal_fields(kind)}
    rows = [
        f"| `{f.name}` | {_type(hints[f.name])}{sealed.get(f.name, '')} | {'required' if f.required else 'optional'} |"
        for f in fields
    ]
    return "\n".join(["| field | type | |", "|---|---|---|", *rows, ""])


def _type(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if arg is types.NoneType else _type(arg) for arg in args if arg is not UnsetType)
    if origin is tuple:
        return f"list of {_type(args[0])}"
    if origin is dict:
        return f"object of {_type(args[1])}"
    return _PLAIN.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def _values_of(kinds: Iterable[type]) -> Iterator[type]:
    """Every struct and enumeration that the fields of `kinds` name, each once."""
    seen: set[type] = set()
    waiting: list[Any] = [Meta, *(hint for kind in kinds for hint in get_type_hints(kind).values())]
    while waiting:
        hint = waiting.pop()
        waiting += get_args(hint)
        if not isinstance(hint, type) or hint in seen or not issubclass(hint, msgspec.Struct | Enum):
            continue
        seen.add(hint)
        waiting += get_type_hints(hint).values() if issubclass(hint, msgspec.Struct) else ()
        yield hint


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
