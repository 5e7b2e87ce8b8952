"""From a target's settings to the entry of the bridge's configuration that they name."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.protocol import FailureCause

S = TypeVar("S", bound=msgspec.Struct)
C = TypeVar("C")


def settings_of(job: Job, shape: type[S]) -> S:
    """The target's settings, and its profile where it has one as the name. DriverFailure where they are refused."""
    try:
        settings = msgspec.convert(job.assignment.target.settings, shape)
        if job.assignment.profile is not None:
            # A profile is another name in the same store, so it is held to what that name may be.
            name = shape.__struct_fields__[-1]
            msgspec.convert(msgspec.to_builtins(settings) | {name: job.assignment.profile}, shape)
    except msgspec.ValidationError as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"The target's settings are refused: {error}.") from None
    return settings


def entry_of(entries: Mapping[str, C], name: str, table: str) -> C:
    """The entry `[<table>.<name>]` of the bridge's configuration. DriverFailure where there is none."""
    found = entries.get(name)
    if found is None:
        raise DriverFailure(FailureCause.UNKNOWN, f"The bridge's configuration has no [{table}.{name}].")
    return found
