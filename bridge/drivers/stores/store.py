"""What a store of certificates can be asked. A kind of store is an implementation of `Store` and nothing else."""

from typing import Protocol

import msgspec

from bridge.drivers.pair import Pair


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What lies under one name: the leaf, and how the store itself calls it (ARN, URL, ...).

    `chain` is PEM, leaf first. `private_key` is None where the store gives none out. `kept` is the store's own: what
    its `undo` needs.
    """

    name: str
    reference: str
    chain: bytes
    private_key: bytes | None = None
    kept: object = None

    def __repr__(self) -> str:
        """Show no key."""
        return f"Entry({self.name!r}, {self.reference!r})"


class Store(Protocol):
    """One store, opened with the credentials of the bridge's configuration. Every method raises DriverFailure."""

    async def probe(self, name: str) -> str:
        """Whether it answers and these credentials may write; changes nothing. Returns a sentence."""
        ...

    async def look(self, name: str) -> Entry | None:
        """What lies under the name now."""
        ...

    def holds(self, entry: Entry, pair: Pair) -> bool:
        """Whether an entry is this very chain and, as far as the store lets see, its key."""
        ...

    async def put(self, name: str, pair: Pair, before: Entry | None) -> str:
        """Bring the pair under the name, in the place of what was there. Returns how the store calls it."""
        ...

    async def undo(self, name: str, before: Entry | None) -> tuple[bool | None, str]:
        """After a failure: what was there before is there again, where that can be done.

        Returns (whether the new certificate stays; None: unclear) and a sentence.
        """
        ...

    async def tidy(self, name: str) -> str:
        """After a success: remove what nobody needs. Returns a sentence, "" where there is nothing to say."""
        ...

    async def entries(self) -> list[Entry]:
        """Everything it holds."""
        ...
