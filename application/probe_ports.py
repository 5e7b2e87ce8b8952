"""Looking at what an endpoint serves: one TLS handshake, seen from somewhere."""

from collections.abc import Sequence
from typing import Protocol

from bridge.protocol import Observation

__all__ = ["Observation", "Place", "Prober"]

Place = tuple[str, str | None]
"""An endpoint, and the server name it is asked for, if any."""


class Prober(Protocol):
    """Probes one endpoint (`10.0.0.1:443`, `[2001:db8::1]:443`, `host.name:443`) under one server name (SNI)."""

    async def probe(self, endpoint: str, server_name: str | None, timeout: float) -> Observation:
        """Never raises for what the peer does; `timeout` in seconds bounds the whole probe."""
        ...

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        """The same for many, in their order; `timeout` is for each of them."""
        ...
