"""Whom personal texts belong to: the person who acts, or for whom a machine does."""

from functools import lru_cache
from uuid import UUID

from domain import ids
from domain.entity import Actor, ActorKind

STRANGERS = ids.derive("subject", "strangers")
"""Whom the addresses of those belong to who did not say who they are."""
ANONYMOUS = Actor(ActorKind.SYSTEM, "anonymous")
"""Who acts in the event of a caller who could not say who they are."""
_PEOPLE = frozenset({ActorKind.USER, ActorKind.COURIER, ActorKind.ACME_CLIENT})


def person_behind(actor: Actor) -> str | None:
    """The id of the person who acts, or for whom a machine does; None for machines alone."""
    if actor.on_behalf_of is not None:
        return actor.on_behalf_of
    return actor.id if actor.kind in _PEOPLE else None


def subject_of(actor: Actor) -> UUID | None:
    """Whom the texts of an actor belong to; None for machines."""
    person = person_behind(actor)
    if person is None:
        return STRANGERS if actor == ANONYMOUS else None
    return _subject(person)


@lru_cache(maxsize=10_000)
def _subject(person: str) -> UUID:
    """Asked for several times in every command of a person."""
    try:
        return UUID(person)
    except ValueError:
        return ids.derive("subject", person)
