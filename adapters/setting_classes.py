"""How typed-settings sees the classes of our settings: dataclasses in dataclasses, every field with a default.

Its own handler reads the source of each class, for the help of a command line that is not made here: 40 ms of a start.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from typed_settings import cls_utils
from typed_settings.types import SECRETS_TYPES, OptionInfo, OptionList


class Sections(cls_utils.Dataclasses):
    """Asked before the library's own handlers."""

    # Named as the library names them.
    @classmethod
    def iter_fields(self, cls: type) -> OptionList:  # noqa: N804 # pyright: ignore[reportSelfClsParameterName]
        """All settings, each with its dotted path."""
        return tuple(_options(cls, ""))


def use_sections() -> None:
    """From now on, for all dataclasses."""
    if Sections not in cls_utils.CLASS_HANDLERS:
        cls_utils.CLASS_HANDLERS.insert(0, Sections)


def _options(section: Any, prefix: str) -> Iterator[OptionInfo]:
    for field in fields(Sections.resolve_types(section)):
        kind: Any = field.type
        if is_dataclass(kind):
            yield from _options(kind, f"{prefix}{field.name}.")
            continue
        yield OptionInfo(
            parent_cls=section,
            path=f"{prefix}{field.name}",
            cls=kind,
            default=field.default,
            has_no_default=False,
            default_is_factory=False,
            is_secret=isinstance(kind, type) and issubclass(kind, SECRETS_TYPES),
        )
