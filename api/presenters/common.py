"""What several presenters share."""

from api.schemas.common import ActorBody
from domain.entity import Actor


def actor(found: Actor) -> ActorBody:
    """Who did it."""
    return ActorBody(kind=found.kind.value, id=found.id, on_behalf_of=found.on_behalf_of)
