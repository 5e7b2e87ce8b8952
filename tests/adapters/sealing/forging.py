"""What an insider can do: rewrite history so that all of it is consistent, given the database and the key."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import psycopg

from adapters.keys.ed25519 import NoteSigner
from adapters.postgres.raw import pages
from adapters.sealing.tree_store import rows_of
from domain.transparency.checkpoint import Checkpoint
from domain.transparency.edge import Edge, grow
from domain.transparency.hashing import leaf_hash
from domain.transparency.keys import signed


def rewrite(connection: psycopg.Connection[Any], position: int, payload: bytes) -> None:
    """Another payload at a position, with a leaf that names it."""
    query = "SELECT salt, leaf FROM ledger.events WHERE notification_id = %s"
    row = connection.execute(query, [position]).fetchone()
    assert row is not None
    digest = hashlib.sha256(row[0] + payload).hexdigest().encode()
    leaf = re.sub(rb'"data_sha256":"[0-9a-f]+"', b'"data_sha256":"' + digest + b'"', row[1])
    change = "UPDATE ledger.events SET state = %s, leaf = %s WHERE notification_id = %s"
    connection.execute(change, [payload, leaf, position])


def seal_again(connection: psycopg.Connection[Any], signers: Sequence[NoteSigner]) -> None:
    """Every tile and every checkpoint anew, with valid signatures, as if it had always been so."""
    connection.execute("DELETE FROM ledger.tiles")
    hashes = [leaf_hash(event.leaf) for page in pages(connection, 0, 1_000_000) for event in page]
    insert = "INSERT INTO ledger.tiles SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[], %s::bytea[])"
    connection.execute(insert, rows_of(grow(Edge(), hashes).tiles))
    for number, size in connection.execute("SELECT number, size FROM ledger.checkpoints").fetchall():
        root = grow(Edge(), hashes[:size]).edge.root()
        note = str(signed(Checkpoint(signers[0].key.name, size, root).text, signers))
        change = "UPDATE ledger.checkpoints SET root = %s, note = %s WHERE number = %s"
        connection.execute(change, [root, note, number])
