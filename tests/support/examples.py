"""One example of every event, built from its fields. Every optional field is set: no shape hides in a default."""

import types
import typing
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
NAMESPACE = UUID("11111111-2222-3333-4444-555555555555")
INSTANT = datetime(2027, 1, 31, 2, 0, 0, tzinfo=UTC)


def example(kind: type[T]) -> T:
    """The event (or other value) whose fields say their own names; the same in every run."""
    hints = get_type_hints(kind)
    return kind(**{f.name: _value(hints[f.name], f.name, f.default) for f in msgspec.structs.fields(kind)})


def _value(hint: Any, name: str, default: Any = msgspec.NODEFAULT) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(arg for arg in args if arg not in (types.NoneType, msgspec.UnsetType)), name, default)
    if origin is tuple:
        return (_value(args[0], name),)
    if origin is dict:
        of_kind = {
            Any: {"port": 8443, "root": "/srv/tls"},
            str: {"kty": "OKP"},
            tuple[str, ...]: {"outcome": ("failed",)},
        }
        return of_kind.get(args[1], {"matched": 3})
    if issubclass(hint, msgspec.Struct):
        return example(hint)
    if issubclass(hint, Enum):
        return next(member for member in hint if member != default)
    return _plain(hint, name, default)


def _plain(hint: type, name: str, default: Any) -> Any:
    plain: dict[type, Any] = {
        str: f"the {name}",
        bytes: name.encode(),
        int: 7,
        bool: default is not True,
        UUID: uuid5(NAMESPACE, name),
        datetime: INSTANT,
        timedelta: timedelta(days=7, hours=1, seconds=1),
    }
    return plain[hint]
