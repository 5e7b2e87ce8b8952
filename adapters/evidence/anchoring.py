"""The checkpoint that evidence is proven by: the first that covers it, with its keys and the stored tree below it."""

import time
from typing import Any

from psycopg import Connection

from adapters.evidence.writing import Anchor
from adapters.sealing import checkpoints
from adapters.sealing.leaves import Mismatch
from adapters.sealing.tree_store import tiles_at
from application.export_ports import NotSealedYet
from application.proving import SealedCheckpoint
from domain.transparency.keys import VerifierKey
from domain.transparency.note import parse_note
from domain.transparency.subtrees import Lookup, Subtree
from domain.transparency.tiles import Expanded, lookup_in, tile_holding

_PAUSE_SECONDS = 0.1

# The first checkpoint over at least so many events: the same for ever, so the same evidence is the same bytes.
_COVERING = """
SELECT c.number, c.size, c.root, c.note, c.sealed_at,
       (SELECT coalesce(array_agg(s.line ORDER BY s.received_at, s.line), '{}') FROM ledger.cosignatures s
        WHERE s.checkpoint = c.number)
FROM ledger.checkpoints c WHERE c.size >= %s ORDER BY c.size, c.number LIMIT 1
"""


def anchor(connection: Connection[Any], position: int, patience: float) -> Anchor:
    """For events up to a position; the sealer is waited for, so many seconds. Raises NotSealedYet."""
    end = time.monotonic() + patience
    while (found := _covering(connection, position)) is None:
        if time.monotonic() > end:
            latest = checkpoints.latest(connection)
            raise NotSealedYet(position, latest.size if latest else 0)
        time.sleep(_PAUSE_SECONDS)
    note = parse_note(found.note)
    keys = [key.vkey for key in checkpoints.keys(connection)]
    signers = tuple(key for key in dict.fromkeys(keys) if any(map(VerifierKey.parse(key).made, note.signatures)))
    origin = note.text.partition("\n")[0]
    return Anchor(origin, found.size, found.root, found.signed, signers, stored_tree(connection, found.size))


def stored_tree(connection: Connection[Any], size: int) -> Lookup:
    """Hashes of the stored tree of a sealed size; each tile is read once. Raises leaves.Mismatch."""
    known: dict[tuple[int, int], Expanded] = {}
    node = lookup_in(known)

    def lookup(part: Subtree) -> bytes:
        tile = tile_holding(part, size)
        if tile[:2] not in known:
            try:
                known.update(tiles_at(connection, [tile], size))
            except KeyError:
                raise Mismatch(None, f"the stored tile {tile.path} is missing") from None
        return node(part)

    return lookup


def _covering(connection: Connection[Any], position: int) -> SealedCheckpoint | None:
    row = connection.execute(_COVERING, [position]).fetchone()
    if row is None:
        return None
    number, size, root, note, sealed_at, lines = row
    return SealedCheckpoint(number, size, root, note, sealed_at, tuple(lines))
