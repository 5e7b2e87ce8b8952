"""The levels of an approval policy in its editor: each a section, with the roles that it takes besides."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from domain.errors import Refused
from domain.role_grant import Role

Roles = Sequence[Sequence[str]]
MOST = 10
"""Levels of a policy, as over REST."""
_HINT = "None of them: every approver, or every implementer where it is the last level, which is Implement."
_AT, _LEFT_OUT = "level_roles.", "left_out."


def _roles(number: int) -> Field:
    return Field(str(number), "Whoever gives it also holds one of", Look.MANY, choices(Role), _HINT)


def _left_out(number: int) -> Field:
    return Field(str(number), "Leave this level out", Look.SWITCH)


def raw_levels(count: int, roles: Roles) -> dict[str, tuple[str, ...]]:
    """The levels as the form holds them."""
    values = {str(number): each for number, each in enumerate(roles)}
    return {
        "section": tuple(map(str, range(count))),
        **raw_of(map(_roles, range(count)), values, _AT),
    }


def numbers(raw: Raw) -> range:
    """Of the levels in the form."""
    return range(min(len(raw("section")), MOST))


def level_names(raw: Raw) -> list[str]:
    """The fields that problems may be about."""
    return [f"{_AT}{number}" for number in numbers(raw)]


def level_sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    """One section for each level."""
    return [
        Section(
            f"Level {number + 1}",
            (*written((_roles(number),), raw, problems, _AT), *written((_left_out(number),), raw, problems, _LEFT_OUT)),
        )
        for number in numbers(raw)
    ]


def levels_of(raw: Raw) -> tuple[int, list[list[str]]]:
    """How many levels the form says, and roles of each up to the last that has some."""
    kept = _kept(raw)
    return len(kept), trimmed([value_of((_roles(number),), raw, _AT)[str(number)] for number in kept])


def trimmed(roles: Roles) -> list[list[str]]:
    """Without levels at the end for which no roles are named: they say nothing. Roles in one order."""
    found = [sorted(set(each)) for each in roles]
    while found and not found[-1]:
        found.pop()
    return found


@contextmanager
def numbered(raw: Raw) -> Generator[None]:
    """What is wrong with a level is told by its number in the form, where others may have been left out."""
    try:
        yield
    except Refused as refused:
        steps = (refused.pointer or "").split("/")
        if steps[1:2] == ["level_roles"] and len(steps) > 2:
            steps[2] = str(_kept(raw)[int(steps[2])])
        raise Refused(refused.code, refused.detail, pointer="/".join(steps)) from None


def _kept(raw: Raw) -> list[int]:
    return [number for number in numbers(raw) if not raw(f"{_LEFT_OUT}{number}")]
