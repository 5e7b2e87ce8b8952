"""A moment of the past or the present, as a value."""

from datetime import datetime

import msgspec


class Moment(msgspec.Struct, frozen=True):
    """A state of everything: the last position that counts, and the instant that it is seen from."""

    position: int
    at: datetime
