"""An aggregate as a presenter sees it: it does not matter whether a use case or a read model knew it."""

from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from application.house import Loaded
from projections.rows import Row

S = TypeVar("S")


class Known(msgspec.Struct, Generic[S], frozen=True):
    """Id, version (ETag), state; `created_position` makes numbers for people (`WO-<created_position>`)."""

    id: UUID
    version: int
    state: S
    created_position: int

    @classmethod
    def of(cls, found: Row[S] | Loaded[S]) -> "Known[S]":
        """The same of a read model's row, or of what a use case loaded."""
        state = found.found if isinstance(found, Loaded) else found.state
        return Known(found.id, found.version, state, found.created_position or 0)


def known(found: Row[S] | Loaded[S] | None) -> Known[S] | None:
    """None for what is not known."""
    return None if found is None else Known[S].of(found)
