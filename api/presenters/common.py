"""What several presenters share."""

from datetime import datetime

from api.schemas.common import ActorBody
from domain.act import Act
from domain.entity import Actor


def actor(found: Actor) -> ActorBody:
    """Who did it."""
    return ActorBody(kind=found.kind.value, id=found.id, on_behalf_of=found.on_behalf_of)


def done_at(act: Act | None) -> datetime | None:
    """When it was done, if it was."""
    return act.at if act is not None else None


def done_by(act: Act | None) -> ActorBody | None:
    """Who did it, if it was done."""
    return actor(act.by) if act is not None else None
