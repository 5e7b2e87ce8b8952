"""Who did something, and when: what a state keeps of an event."""

from datetime import datetime

import msgspec

from domain.entity import Actor


class Act(msgspec.Struct, frozen=True):
    """Who did it, when."""

    by: Actor
    at: datetime
