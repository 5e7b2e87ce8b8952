"""Where a replay keeps what it made: SQLite, in a temporary file or in one that a later run goes on with.

Memory stays within bounds however large the estate is, nothing is written where the ledger lies, and whoever may only
read the ledger can replay it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

_CACHE_KIB = 65_536


class Aside:
    """To be closed, or used as `with Aside() as aside`. Writing goes on in one transaction until `save`.

    Without a path everything is forgotten when it is closed, with one everything since the last `save`. `most`: how
    many rows whoever puts something here may keep in memory before.
    """

    def __init__(self, path: Path | None = None, *, most: int = 0) -> None:
        """Raises sqlite3.DatabaseError for a file that is something else."""
        self.most = most
        self._database = sqlite3.connect("" if path is None else path, isolation_level=None)
        journal = "OFF" if path is None else "DELETE"  # a process may die in the middle, an operating system not
        try:
            for pragma in (f"journal_mode = {journal}", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.execute("BEGIN")
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What is not saved is lost."""
        self._database.close()

    def save(self) -> None:
        """What was written until now is there for a later run."""
        self._database.execute("COMMIT")
        self._database.execute("BEGIN")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """One statement; iterate over its rows before the next change."""
        return self._database.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for many rows."""
        self._database.executemany(statement, rows)
