"""Sealed state that is made once: the keys and certificates of our own CAs, what a CA gave for an order."""

from typing import Protocol
from uuid import UUID


class SealedStore(Protocol):
    """Implemented by the vaults."""

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        """Keep `value` unless there is one already; either way the answer is the one that is kept."""
        ...

    async def kept(self, owner_id: UUID, name: str) -> bytes | None:
        """What is kept under this name, or None."""
        ...

    async def forget(self, owner_id: UUID, chapter: str | None = None) -> None:
        """Drop everything that is kept for this owner, as if there had never been anything; of a `chapter`, what has
        its name, alone or before a space.
        """
        ...
