"""Evidence that somebody takes away, as the use cases see it: made whole before anybody gets a byte of it."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol
from uuid import UUID


class Evidence(NamedTuple):
    """What an archive is: its form (`evidence of a range`, `of a push`), which positions it covers, how many events.

    All of it is proven by a checkpoint of `tree_size` events. `size` in bytes, `sha256` (hex) of the whole file.
    """

    form: str
    first_position: int
    last_position: int
    events: int
    tree_size: int
    size: int
    sha256: str
    subject_id: UUID | None = None


class MadeEvidence(Protocol):
    """An archive that is complete."""

    @property
    def about(self) -> Evidence: ...

    def blocks(self) -> AsyncIterator[bytes]:
        """Its bytes; it is gone when they were read."""
        ...

    async def discard(self) -> None:
        """Nobody wants it any more."""
        ...


class NotSealedYet(Exception):
    """No checkpoint covers the position yet; the sealer seems to be late, or not to run."""

    def __init__(self, position: int, sealed: int) -> None:
        super().__init__(f"position {position} is not sealed yet; the latest checkpoint covers {sealed} events")
        self.position = position
        self.sealed = sealed


class LedgerContradicted(Exception):
    """The ledger is not the one that was sealed; the message says what is wrong. `certferry verify` says more."""


class EvidenceMaker(Protocol):
    """Makes evidence. Raises NotSealedYet, LedgerContradicted, LogUnavailable."""

    async def range(self, first: int, last: int) -> MadeEvidence:
        """All events from one position to another, both inclusive."""
        ...

    async def push(self, work_order_id: UUID) -> MadeEvidence:
        """One push. Raises Refused(not-found)."""
        ...
