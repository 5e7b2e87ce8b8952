"""In whose name the command line acts: whoever may run it holds the database's password and the master key."""

import getpass
from uuid import uuid4

from application.house import Context, House
from domain.entity import Actor, ActorKind


def by_hand(house: House) -> Context:
    """A command given on this machine; the operating system's user stands in the event as its credential."""
    actor = Actor(ActorKind.SYSTEM, "command-line")
    return Context(actor=actor, at=house.clock(), command_id=uuid4(), credential=f"os-user:{getpass.getuser()}")
