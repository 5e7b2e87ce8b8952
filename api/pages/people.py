"""Who did something, by name."""

from api.asking import Reading
from api.pages.order_details import name_of
from domain.entity import Actor


def who(actor: Actor, reading: Reading) -> str:
    """An actor in words; people by their names of today."""
    asked = (actor.id, actor.on_behalf_of or "")
    known = ((found, reading.services.directory.name_of(found)) for found in asked if found)
    return name_of(actor, {found: name for found, name in known if name is not None})
