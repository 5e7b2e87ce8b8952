"""Does the syslog receiver get the events? What a person should hear of it, when not."""

from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec


class SyslogError(StrEnum):
    """Why a round of messages failed: a closed list."""

    NO_SUCH_NAME = "no_such_name"
    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    TLS_ERROR = "tls_error"  # no handshake, or a certificate that is not trusted for this name, or ours is not
    CONNECTION_LOST = "connection_lost"  # the receiver ended it before it had read everything
    NOT_SENT = "not_sent"  # our machine could not send


class SyslogStanding(NamedTuple):
    """Every event up to `position` was sent. `turn` counts how often somebody set it."""

    position: int
    turn: int


class SyslogState(msgspec.Struct, frozen=True, kw_only=True):
    """How the export stands. `waiting`: seconds since the first event that was not sent was recorded, or was wanted
    again. `failures`: in a
    row, the last one with `error`. `late_after`: seconds after which a waiting event is late.
    """

    head: int
    position: int
    late_after: float
    waiting: float | None = None
    failures: int = 0
    error: SyslogError | None = None

    @property
    def late(self) -> str | None:
        """What is late, in a sentence."""
        if self.waiting is None or self.waiting <= self.late_after:
            return None
        why = f"the last attempt ended with {self.error}" if self.error else "is a worker running (certferry work)?"
        return (
            f"The syslog receiver lacks the events from position {self.position + 1} on, the first of them has waited "
            f"{self.waiting / 60:.0f} minutes: {why}"
        )


class SyslogWatch(Protocol):
    """Looks at the export from any process."""

    async def state(self) -> SyslogState:
        """How it stands now."""
        ...
