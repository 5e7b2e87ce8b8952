"""The sealer: reads what was added since the last checkpoint, checks it, and signs the next one.

It never signs over what does not hold: the first mismatch stops sealing for good, here and in every other sealer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection

from adapters.keys.ed25519 import NoteSigner
from adapters.postgres.raw import head, pages
from adapters.sealing import checkpoints
from adapters.sealing.checkpoints import Sealed, SealingStopped
from adapters.sealing.keyring import Keyring, KeyringUnusable
from adapters.sealing.leaves import Mismatch, checked_hashes
from adapters.sealing.tree_store import edge_at
from domain.transparency.checkpoint import Checkpoint
from domain.transparency.edge import Edge, FullTile, grow
from domain.transparency.keys import signed

BATCH = 16_384
"""Events that one checkpoint adds at most; between two the sealer can be stopped."""


class Turn(NamedTuple):
    """What one turn did: the checkpoint it made, if any, and whether there is more to do at once."""

    sealed: Sealed | None
    more: bool


class _Tip(NamedTuple):
    """What the next checkpoint builds on."""

    number: int
    edge: Edge
    root: bytes
    vkeys: tuple[str, ...]


class Sealer:
    """Seals one ledger over a connection of the sealer's role. Several may run: one of them wins each turn."""

    def __init__(self, connection: Connection[Any], keyring: Keyring, *, batch: int = BATCH) -> None:
        self._connection = connection
        self._keyring = keyring
        self._batch = batch
        self._tip: _Tip | None = None

    def turn(self) -> Turn:
        """Seal what is new. Raises SealingStopped, KeyringUnusable, psycopg.Error."""
        if reason := checkpoints.stop_reason(self._connection):
            self._tip = None
            raise SealingStopped(reason)
        try:
            return self._seal()
        except Mismatch as mismatch:
            self._tip = None
            checkpoints.stop(self._connection, mismatch.position, str(mismatch))
            raise SealingStopped(str(mismatch)) from mismatch

    def _seal(self) -> Turn:
        tip = self._known_tip()
        signers = self._keyring.signers()
        if not signers:
            raise KeyringUnusable("there is no key to sign checkpoints with")
        vkeys = tuple(sorted(str(signer.key) for signer in signers))
        edge, tiles = self._grown(tip.edge)
        if edge.size == tip.edge.size and vkeys == tip.vkeys:
            return Turn(None, more=False)
        sealed = self._store(tip, edge, tiles, signers)
        if sealed is None:  # another sealer was faster
            self._tip = None
            return Turn(None, more=True)
        self._tip = _Tip(sealed.number, edge, sealed.root, vkeys)
        return Turn(sealed, more=edge.size - tip.edge.size == self._batch)

    def _known_tip(self) -> _Tip:
        """The last checkpoint and its edge, as remembered, or read and checked anew."""
        latest = checkpoints.latest(self._connection)
        number, size, root = latest[:3] if latest else (0, 0, Edge().root())
        known = self._tip
        if known and (number < known.number or (number == known.number and root != known.root)):
            raise Mismatch(None, f"the checkpoint of {known.edge.size} events, which was signed here, is gone")
        if known is None or known.number != number:
            edge = edge_at(self._connection, size)
            if edge.root() != root:
                raise Mismatch(None, f"the stored tree of {size} events does not lead to the root that was signed")
            self._tip = known = _Tip(number, edge, root, self._signed_with())
        return known

    def _signed_with(self) -> tuple[str, ...]:
        return tuple(sorted(key.vkey for key in checkpoints.keys(self._connection) if key.until is None))

    def _grown(self, edge: Edge) -> tuple[Edge, tuple[FullTile, ...]]:
        until = min(head(self._connection), edge.size + self._batch)
        if until < edge.size:
            raise Mismatch(until + 1, f"the ledger ends here, but {edge.size} events were sealed")
        tiles: tuple[FullTile, ...] = ()
        for page in pages(self._connection, edge.size, until):
            growth = grow(edge, checked_hashes(page, edge.size))
            edge, tiles = growth.edge, tiles + growth.tiles
        if edge.size != until:
            raise Mismatch(edge.size + 1, "the event is missing")
        return edge, tiles

    def _store(
        self, tip: _Tip, edge: Edge, tiles: tuple[FullTile, ...], signers: Sequence[NoteSigner]
    ) -> Sealed | None:
        """Sign and swap; None when another sealer was faster."""
        vkeys = {str(signer.key) for signer in signers}
        if tip.vkeys and not vkeys & set(tip.vkeys):
            raise KeyringUnusable(
                "none of the keys here is one that the ledger was sealed with: bring that one back, so that a new one "
                "can overlap with it"
            )
        checkpoint = Checkpoint(signers[0].key.name, edge.size, edge.root())
        note = str(signed(checkpoint.text, signers))
        with self._connection.transaction():
            number = checkpoints.store(self._connection, tip.number, checkpoint, note, tiles)
            if number is not None and vkeys != set(tip.vkeys):
                checkpoints.note_keys(self._connection, vkeys)
        return None if number is None else checkpoints.numbered(self._connection, number)
