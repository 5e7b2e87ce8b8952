"""One installation at a time on one host: a service that is tested or reloaded reads the files of all its places.

Chain and key of a place are two files, read one after the other. Were another place swapped in between, the service
would see a chain of one release and a key of another, and refuse a configuration in which nothing is wrong.
"""

import asyncio

from bridge.kinds import FilesSettings, LocalSettings


class Turns:
    """A lock for each host that this bridge installs on."""

    def __init__(self) -> None:
        self._locks: dict[tuple[str, int] | None, asyncio.Lock] = {}

    def on(self, settings: FilesSettings) -> asyncio.Lock:
        """The lock of the host of a target."""
        key = None if isinstance(settings, LocalSettings) else (settings.host, settings.port)
        return self._locks.setdefault(key, asyncio.Lock())
