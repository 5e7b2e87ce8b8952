"""What the demo tells: people on a screen, programs in a file."""

import os
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from adapters.demo.place import PlaceRefused, write_private


class DemoReady(NamedTuple):
    """What there is to see."""

    base_url: str
    tokens: dict[str, str]
    web_servers: str
    spare: str
    bridge_id: str
    ca_pem_path: Path
    directory: Path


class Screen(Protocol):
    """Where the demo speaks."""

    def step(self, sentence: str) -> None:
        """A step begins."""
        ...

    def note(self, sentence: str) -> None:
        """Something happened meanwhile."""
        ...

    def ready(self, found: DemoReady) -> None:
        """Everything runs."""
        ...


def make_way_for(ready_file: Path) -> None:
    """Before anything starts: no file of an earlier start, and a directory to write it to. Raises PlaceRefused."""
    try:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        ready_file.unlink(missing_ok=True)
    except OSError as error:
        raise PlaceRefused(f"{ready_file} cannot be written: {error.strerror}.") from error
    if not os.access(ready_file.parent, os.W_OK | os.X_OK):
        raise PlaceRefused(f"{ready_file} cannot be written: {ready_file.parent} does not allow it.")


def write_ready_file(path: Path, ready: DemoReady, pids: dict[str, int]) -> None:
    """As a whole, for its owner only; written again whenever a process id changes."""
    content = {
        "base_url": ready.base_url,
        "tokens": ready.tokens,
        "pids": pids,
        "ca_pem_path": str(ready.ca_pem_path),
        "data": str(ready.directory),
        "bridge_id": ready.bridge_id,
        "spare_endpoint": ready.spare,
    }
    write_private(path.absolute(), msgspec.json.format(msgspec.json.encode(content)))
