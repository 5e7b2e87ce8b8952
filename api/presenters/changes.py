"""What changed, as data and in words."""

from api.presenters.common import actor
from api.schemas.changes import ChangeBody
from projections.changes.view import Change
from projections.changes.words import sentence

COLUMNS = ("text", "positions", "change", "kind", "id", "name", "field", "detail", "before", "after", "by", "clock")


def change(found: Change) -> ChangeBody:
    """One line."""
    return ChangeBody(
        change=found.change,
        kind=found.kind,
        id=found.id,
        name=found.name,
        field=found.field,
        detail=found.detail,
        before=found.before,
        after=found.after,
        positions=found.positions,
        by=tuple(map(actor, found.by)),
        clock=found.clock,
        text=sentence(found),
    )
