"""What every driver is asked, and what it is given for it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from bridge.drivers.steps import Steps
from bridge.protocol import Assignment, FoundCertificate, SealedContent

Guard = Callable[[], Awaitable[None]]
"""Returns while the lease is held, waits while that is unclear, raises LeaseLost when it is not."""


class Job(msgspec.Struct, frozen=True):
    """One assignment with its opened secrets. Drivers call `guard` before every step that cannot be undone."""

    assignment: Assignment
    content: SealedContent
    steps: Steps
    guard: Guard


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A successful installation. `already_in_place`: nothing was written, nothing reloaded."""

    message: str
    fingerprint: str
    already_in_place: bool = False


class Requested(msgspec.Struct, frozen=True):
    """A signing request (PEM) for a key that lies on the target now."""

    message: str
    csr_pem: str


class Discovered(msgspec.Struct, frozen=True):
    """What a healthy target holds."""

    message: str
    found: tuple[FoundCertificate, ...]


class Driver(Protocol):
    """Installs on one kind of target. Every method raises DriverFailure, and `apply` is idempotent."""

    async def test(self, job: Job) -> str:
        """Whether an installation could work; changes nothing that lasts. Returns a sentence."""
        ...

    async def apply(self, job: Job) -> Applied:
        """Install, test, activate, read back; on a failure roll back."""
        ...

    async def request(self, job: Job) -> Requested:
        """Make a key on the target, and a signing request for it; repeating the same assignment uses the same key."""
        ...

    async def discover(self, job: Job) -> Discovered:
        """Read what the target holds."""
        ...
