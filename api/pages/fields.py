"""Fields of editors: how a value is written into a form, and read from it again; what is wrong stands at its field.

A field's id is the path of its value (`rules.0.domains`), as the JSON pointer of a problem names it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

Raw = Callable[[str], Sequence[str]]
"""What a form holds under a name."""


class Look(StrEnum):
    """How a field looks. `lines`, `numbers`: several values, one a line. `many`: several of the choices.

    `moment`: date and time in UTC. `secret`: never shown.
    """

    TEXT = "text"
    AREA = "area"
    LINES = "lines"
    NUMBERS = "numbers"
    NUMBER = "number"
    SWITCH = "switch"
    ONE = "one"
    MANY = "many"
    MOMENT = "moment"
    SECRET = "secret"  # noqa: S105 - the name of a look


class Field(NamedTuple):
    """One field. `choices`: value and words."""

    name: str
    label: str
    look: Look = Look.TEXT
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    required: bool = False


class Written(NamedTuple):
    """A field with what stands in it, and what is wrong with that."""

    field: Field
    id: str
    texts: tuple[str, ...] = ()
    problem: str = ""

    @property
    def text(self) -> str:
        """Of a field with one text."""
        return self.texts[0] if self.texts else ""


class Section(NamedTuple):
    """Fields that belong together."""

    title: str
    fields: tuple[Written, ...]


def choices(kind: type[StrEnum]) -> tuple[tuple[str, str], ...]:
    """The members of an enumeration, in words."""
    return tuple((each.value, each.value.replace("_", " ")) for each in kind)


def raw_of(fields: Iterable[Field], values: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[str, ...]]:
    """A description as a form holds it."""
    return {f"{prefix}{each.name}": _texts(each, values.get(each.name)) for each in fields}


def _texts(field: Field, value: Any) -> tuple[str, ...]:
    if field.look is Look.SECRET or value is None:
        return ()
    match field.look:
        case Look.SWITCH:
            return ("on",) if value else ()
        case Look.LINES | Look.NUMBERS:
            return ("\n".join(map(str, value)),)
        case Look.MANY:
            return tuple(map(str, value))
        case Look.MOMENT:
            return (value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),)
        case _:
            return (str(value),)


def value_of(fields: Iterable[Field], raw: Raw, prefix: str = "") -> dict[str, Any]:
    """What a form says, as the API takes it; what was left empty is left out, unless it is required."""
    found = {each.name: _value(each, raw(f"{prefix}{each.name}")) for each in fields}
    return {name: value for name, value in found.items() if value is not None}


def _value(field: Field, texts: Sequence[str]) -> Any:
    text = texts[0].replace("\r\n", "\n") if texts else ""
    match field.look:
        case Look.SWITCH:
            return bool(texts)
        case Look.MANY:
            return [each for each in texts if each]
        case Look.LINES:
            return [line.strip() for line in text.split("\n") if line.strip()]
        case Look.NUMBERS:
            return [_number(line.strip()) for line in text.split("\n") if line.strip()]
        case Look.SECRET:
            return text or None
        case Look.NUMBER:
            return _number(text.strip())
        case Look.MOMENT:
            return _moment(text.strip())
        case _:
            return text.strip() if text.strip() or field.required else None


def _number(text: str) -> int | str | None:
    """What is no number is refused where all values are."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(text) < 18 else text or None


def _moment(text: str) -> str | None:
    """As browsers send it, without a zone; what is no date is refused where all values are."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text or None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).isoformat()


def written(fields: Iterable[Field], raw: Raw, problems: Mapping[str, str], prefix: str = "") -> tuple[Written, ...]:
    """The fields as they are shown."""
    made = ((each, f"{prefix}{each.name}") for each in fields)
    return tuple(
        Written(each, name, () if each.look is Look.SECRET else tuple(raw(name)), problems.get(name, ""))
        for each, name in made
    )


def placed(problems: Iterable[tuple[str, str]], names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Problems (pointer, sentence) by the field that they are about, and those that no field is to blame for."""
    known, found, others = sorted(names, key=len, reverse=True), dict[str, str](), []
    for pointer, sentence in problems:
        path = pointer.removeprefix("/").replace("/", ".")
        name = next((each for each in known if path == each or path.startswith(f"{each}.")), None)
        if name is None:
            others.append(sentence)
        else:
            found.setdefault(name, sentence)
    return found, others
