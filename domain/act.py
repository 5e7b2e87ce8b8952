"""Who did something, and when: what a state keeps of an event."""

from datetime import datetime

import msgspec

from domain.entity import Actor, Event


class Act(msgspec.Struct, frozen=True):
    """Who did it, when."""

    by: Actor
    at: datetime


def act_of(event: Event) -> Act:
    """Who did what an event tells, and when."""
    return Act(event.meta.actor, event.meta.at)
