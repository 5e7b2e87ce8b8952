"""How long something lasts, as people write it: `7 days`, `12 hours`, `90 minutes`."""

import re
from datetime import timedelta

from api.pages.words import plural
from domain.errors import Code, Refused

_UNITS = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_WRITTEN = re.compile(r"([0-9]{1,9})\s*(day|hour|minute|second)s?", re.IGNORECASE)
HINT = "As 7 days, 12 hours or 90 minutes."


def lasting(duration: timedelta) -> str:
    """Whole seconds in the longest unit that says them exactly."""
    name = next((name for name, unit in _UNITS.items() if duration and not duration % unit), "second")
    return plural(duration // _UNITS[name], name)


def seconds(text: str, pointer: str) -> int:
    """What was written, in seconds. Raises Refused at the pointer."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise Refused(Code.VALIDATION_FAILED, f"Write how long. {HINT}", pointer=pointer)
    return int(found[1]) * (_UNITS[found[2].lower()] // _UNITS["second"])
