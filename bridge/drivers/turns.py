"""Who may do what on a host: one installation at a time in a place, one service that is tested and reloaded at a time.

A service that is tested or reloaded reads the files of all its places. Chain and key of a place are two files, read one
after the other. Were another place swapped in between, the service would see a chain of one release and a key of
another, and refuse a configuration in which nothing is wrong. What is written beside, for nobody to read yet, disturbs
nobody: other places go on with that meanwhile.
"""

import asyncio

from bridge.kinds import FilesSettings, LocalSettings

_Host = tuple[str, int] | None


class Turns:
    """Locks of the hosts that this bridge installs on, and of the places there."""

    def __init__(self) -> None:
        self._hosts: dict[_Host, asyncio.Lock] = {}
        self._places: dict[tuple[_Host, str], asyncio.Lock] = {}

    def on(self, settings: FilesSettings) -> asyncio.Lock:
        """The lock of a target's host: from the swap of a place until the service has loaded it, or the way back."""
        return self._hosts.setdefault(_host(settings), asyncio.Lock())

    def at(self, settings: FilesSettings, directory: str) -> asyncio.Lock:
        """The lock of a place, for all of an installation: what was seen there stays so."""
        return self._places.setdefault((_host(settings), directory), asyncio.Lock())


def _host(settings: FilesSettings) -> _Host:
    return None if isinstance(settings, LocalSettings) else (settings.host, settings.port)
