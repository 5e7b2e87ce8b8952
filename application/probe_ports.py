"""Looking at what an endpoint serves: one TLS handshake, seen from somewhere."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from domain.verification import ProbeResult


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe saw. Nothing of the peer's bytes but fingerprints and names of enums.

    `address` is the IP address that was connected to; `reason` refines results without a certificate
    (`refused_by_policy`, `timeout`, `connection_refused`, `legacy_protocol` ...).
    """

    result: ProbeResult
    address: str | None = None
    protocol: str | None = None
    cipher: str | None = None
    fingerprint_sha256: str | None = None
    chain_fingerprints_sha256: tuple[str, ...] = ()
    leaf_der: bytes | None = None
    reason: str | None = None


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
