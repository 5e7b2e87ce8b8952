"""Where checkpoints go: each outlet in its own rhythm, none of them able to hold up sealing or the others."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from psycopg import Connection

from adapters.sealing.checkpoint_file import CheckpointFile
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.syslog import Syslog
from adapters.sealing.timestamping import Stamping
from adapters.sealing.witnessing import Witness, Witnessing
from adapters.settings import Sealing, SettingsRefused

_log = logging.getLogger("certferry.seal")


class Sending(Protocol):
    """Something a checkpoint can be sent to; whatever it raises is told, and the next checkpoint tries again."""

    def send(self, sealed: Sealed) -> None:
        """Send one checkpoint."""
        ...


class Outlet:
    """A place to send to, at most once in so many seconds."""

    def __init__(self, name: str, sending: Sending, every: float = 0.0) -> None:
        self.name = name
        self._sending = sending
        self._every = every
        self._due = 0.0
        self._sent: int | None = None

    def offer(self, sealed: Sealed) -> str | None:
        """Send it if that is due. What went wrong, in words; None: nothing."""
        now = time.monotonic()
        if self._sent == sealed.number or now < self._due:
            return None
        self._due = now + self._every
        try:
            self._sending.send(sealed)
        except Exception as error:  # noqa: BLE001 - an outlet may fail in any way; sealing goes on
            trouble = f"{self.name}: {error} ({type(error).__name__})"
            _log.warning("checkpoint of %d events not sent to %s", sealed.size, trouble)
            return trouble
        self._sent = sealed.number
        return None


def outlets_of(settings: Sealing, connection: Connection[Any]) -> Sequence[Outlet]:
    """Those that the settings name. Raises SettingsRefused for what cannot be one."""
    try:
        return _outlets(settings, connection)
    except (ValueError, OSError) as error:
        raise SettingsRefused(f"The sealing process cannot use its settings: {error}.") from None


def _outlets(settings: Sealing, connection: Connection[Any]) -> Sequence[Outlet]:
    found: list[Outlet] = []
    if settings.checkpoint_file:
        found.append(Outlet("the checkpoint file", CheckpointFile(Path(settings.checkpoint_file))))
    if settings.syslog:
        found.append(
            Outlet("syslog", Syslog(settings.syslog, Path(settings.syslog_ca) if settings.syslog_ca else None))
        )
    for text in settings.witnesses:
        witness = Witness.parse(text)
        found.append(Outlet(f"witness {witness.key.name}", Witnessing(connection, witness), settings.witness_every))
    if settings.timestamp_url:
        ca = Path(settings.timestamp_ca) if settings.timestamp_ca else None
        stamping = Stamping(connection, settings.timestamp_url, ca)
        found.append(Outlet("time stamps", stamping, settings.timestamp_every))
    return found
