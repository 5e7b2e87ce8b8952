"""What the demo tells: people on a screen, programs in a file."""

from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from adapters.demo.place import write_private


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
