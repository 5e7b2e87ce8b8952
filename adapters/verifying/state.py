"""How far a verification has come, kept beside what it made, so that another run goes on from there.

It is bound to the ledger by the root and the last leaf: over another ledger, or a changed one, nobody goes on. Where
several processes share the work each has a file of its own (`beside`), which belongs to a run of the first one and is
never ahead of it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from psycopg import Connection

from adapters.postgres import raw
from adapters.replaying.aside import Aside
from adapters.sealing.leaves import Mismatch
from domain.transparency.edge import Edge
from domain.transparency.hashing import EMPTY_ROOT, leaf_hash
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import AnyProjection

S = TypeVar("S", bound=msgspec.Struct)
_FORMAT = 3


class State(msgspec.Struct, frozen=True, kw_only=True):
    """`levels` are the edge of the tree at `position`; `builds` tell which read models were folded, if any, by how many
    processes; `run` is what their own states name.
    """

    position: int = 0
    levels: tuple[bytes, ...] = ()
    root: bytes = EMPTY_ROOT
    leaf: bytes = b""
    builds: tuple[int, ...] = ()
    processes: int = 1
    run: str = ""
    format: int = _FORMAT

    @property
    def edge(self) -> Edge:
        """Where the tree goes on."""
        return Edge(self.levels)

    def usable(self, like: "State", most: int | None) -> bool:
        """Can a run that begins like that go on with it, as far as the position `most`?"""
        same = (self.format, self.builds, self.processes) == (like.format, like.builds, like.processes)
        within = most is None or self.position <= most
        return same and within and self.edge.size == self.position and self.edge.root() == self.root


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How far one of several processes has come."""

    run: str
    builds: tuple[int, ...]
    position: int = 0
    leaf: bytes = b""

    def usable(self, like: "Share", most: int) -> bool:
        """Does it belong to that run, and is not ahead of it?"""
        return (self.run, self.builds) == (like.run, like.builds) and self.position <= most


def beside(path: Path, number: int) -> Path:
    """Where the process of a number keeps its share."""
    return path.with_name(f"{path.name}.{number}")


def builds(projections: Iterable[AnyProjection]) -> tuple[int, ...]:
    """What is folded."""
    return tuple(projection.build for projection in projections)


def beginning(*, read_models: bool, processes: int) -> State:
    """Where nothing was left."""
    folded = builds((*ALL_PROJECTIONS, *HISTORIES)) if read_models else ()
    return State(builds=folded, processes=processes, run=secrets.token_hex(16))


@contextmanager
def opened(path: Path | None, begin: S, usable: Callable[[S], bool], most: int) -> Iterator[tuple[Aside, S]]:
    """Where an earlier run ended, or the beginning: what is not usable is thrown away. Raises sqlite3.DatabaseError for
    a file that is no state.
    """
    with ExitStack() as stack:
        aside = stack.enter_context(Aside(path, most=most))
        state = _load(aside, begin)
        if path and not (state and usable(state)):
            aside.close()
            path.unlink()
            aside = stack.enter_context(Aside(path, most=most))
            state = _load(aside, begin)
        yield aside, state or begin


def save(aside: Aside, connection: Connection[Any], state: State, edge: Edge) -> None:
    """Keep how far this run has come, with everything that was put aside."""
    found = {"position": edge.size, "levels": edge.levels, "root": edge.root()}
    _store(aside, msgspec.structs.replace(state, leaf=_last_leaf(connection, edge.size), **found))


def save_share(aside: Aside, connection: Connection[Any], share: Share, position: int) -> None:
    """The same for one of several."""
    _store(aside, msgspec.structs.replace(share, position=position, leaf=_last_leaf(connection, position)))


def check_bound(connection: Connection[Any], state: State | Share) -> None:
    """Raise Mismatch unless the ledger still has the leaf that the state ended with."""
    if state.position and _last_leaf(connection, state.position) != state.leaf:
        raise Mismatch(state.position, "the event is not the one that an earlier verification saw here")


def _load(aside: Aside, begin: S) -> S | None:
    """None where what is there cannot be read."""
    aside.execute("CREATE TABLE IF NOT EXISTS verification (state BLOB)")
    row = aside.execute("SELECT state FROM verification").fetchone()
    try:
        return msgspec.json.decode(row[0], type=type(begin)) if row else begin
    except msgspec.MsgspecError:
        return None


def _store(aside: Aside, state: State | Share) -> None:
    aside.execute("DELETE FROM verification")
    aside.execute("INSERT INTO verification VALUES (?)", [msgspec.json.encode(state)])
    aside.save()


def _last_leaf(connection: Connection[Any], position: int) -> bytes:
    rows = [row for page in raw.pages(connection, position - 1, position) for row in page] if position else []
    return leaf_hash(rows[0].leaf) if rows else b""
