"""Which of the offered media types a client prefers (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_PART = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", re.ASCII)


class _Range(NamedTuple):
    """A media range; `quality` in thousandths, None where it is not written as the grammar has it."""

    type: str
    subtype: str
    quality: int | None


def best_match(accept: str, offered: Sequence[str]) -> str | None:
    """The offered type with the highest weight, the client's order deciding between equals; None where none will do.

    For each type the most specific range counts, so `application/json;q=0, */*` refuses JSON. Parameters other than
    `q` are not compared; a range with a malformed weight counts for nothing.
    """
    ranges = [found for found in _ranges(accept) if found.quality is not None]
    judged = [(_judge(ranges, media_type), -number, media_type) for number, media_type in enumerate(offered)]
    (weight, _), _, best = max(judged)
    return best if weight > 0 else None


def _judge(ranges: Sequence[_Range], media_type: str) -> tuple[int, int]:
    """Weight and place (the earlier, the higher) of the range that decides on a type."""
    kind, _, subkind = media_type.partition("/")
    deciding: tuple[int, int, int] = (-1, 0, 0)
    for place, found in enumerate(ranges):
        if found.type in {kind, "*"} and found.subtype in {subkind, "*"}:
            specific = (found.type != "*") + (found.subtype != "*")
            if specific > deciding[0]:
                deciding = (specific, found.quality or 0, -place)
    return deciding[1], deciding[2]


def _ranges(accept: str) -> Iterator[_Range]:
    for part in _PART.findall(accept):
        name, _, rest = part.strip().partition(";")
        kind, slash, subkind = name.strip().lower().partition("/")
        if slash and kind and subkind and (kind != "*" or subkind == "*"):
            yield _Range(kind, subkind, _quality(f";{rest}"))


def _quality(parameters: str) -> int | None:
    for name, value in _PARAMETER.findall(parameters):
        if name.lower() == "q":
            return round(float(value.strip()) * 1000) if _WEIGHT.fullmatch(value.strip()) else None
    return 1000
