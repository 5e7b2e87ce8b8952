"""How far a verification has come, kept beside what it made, so that another run goes on from there.

It is bound to the ledger by the root and the last leaf: over another ledger, or a changed one, nobody goes on.
"""

from typing import Any

import msgspec
from psycopg import Connection

from adapters.postgres import raw
from adapters.replaying.aside import Aside
from adapters.sealing.leaves import Mismatch
from domain.transparency.edge import Edge
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from projections.catalogue import ALL_PROJECTIONS, HISTORIES

_FORMAT = 1


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`levels` are the edge of the tree at `position`; `builds` tell which read models were folded, if any."""

    position: int = 0
    levels: tuple[bytes, ...] = ()
    root: bytes = EMPTY_ROOT
    leaf: bytes = b""
    builds: tuple[int, ...] = ()
    format: int = _FORMAT

    @property
    def edge(self) -> Edge:
        """Where the tree goes on."""
        return Edge(self.levels)


def builds(*, read_models: bool) -> tuple[int, ...]:
    """What is folded."""
    return tuple(p.build for p in (*ALL_PROJECTIONS, *HISTORIES)) if read_models else ()


def load(aside: Aside, most: int | None, *, read_models: bool) -> State | None:
    """What an earlier run left, or the beginning where there is nothing; None where that cannot be gone on with: it
    folded something else, or is beyond the position `most`.
    """
    aside.execute("CREATE TABLE IF NOT EXISTS verification (state BLOB)")
    row = aside.execute("SELECT state FROM verification").fetchone()
    if row is None:
        return State(builds=builds(read_models=read_models))
    try:
        state = msgspec.json.decode(row[0], type=State)
    except msgspec.MsgspecError:
        return None
    usable = state.format == _FORMAT and state.builds == builds(read_models=read_models)
    if not usable or (most is not None and state.position > most):
        return None
    return state if state.edge.size == state.position and state.edge.root() == state.root else None


def save(aside: Aside, connection: Connection[Any], edge: Edge, *, read_models: bool) -> None:
    """Keep how far this run has come, with everything that was put aside."""
    state = State(
        position=edge.size,
        levels=edge.levels,
        root=edge.root(),
        leaf=_last_leaf(connection, edge.size),
        builds=builds(read_models=read_models),
    )
    aside.execute("DELETE FROM verification")
    aside.execute("INSERT INTO verification VALUES (?)", [msgspec.json.encode(state)])
    aside.save()


def check_bound(connection: Connection[Any], state: State) -> None:
    """Raise Mismatch unless the ledger still has the leaf that the state ended with."""
    if state.position and _last_leaf(connection, state.position) != state.leaf:
        raise Mismatch(state.position, "the event is not the one that an earlier verification saw here")


def _last_leaf(connection: Connection[Any], position: int) -> bytes:
    rows = [row for page in raw.pages(connection, position - 1, position) for row in page] if position else []
    return leaf_hash(rows[0].leaf) if rows else b""
