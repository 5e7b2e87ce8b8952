"""Rotating the master key: every value of the vault is sealed anew by the current one, then former ones are retired.

Resumable: what is left to do is what names another key. A value that changes meanwhile is left to the next round; the
service goes on, and reads the keys again when it meets a value of a key that it does not know.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from adapters.keys.vault import CannotOpen, Envelope
from adapters.postgres_ops.database import OpsDatabase

_CHUNK = 200
_ROUNDS = 5


class _Table(NamedTuple):
    """`named`: the purpose of a row, made of its column `name` where it has one."""

    name: str
    owner: str
    label: str
    named: Callable[[str], str]


_TABLES = (
    _Table("vault.private_keys", "certificate_id", "''", lambda _: "private-key"),
    _Table("vault.secrets", "owner_id", "name", lambda name: f"secret {name}"),
    _Table("vault.subject_keys", "subject_id", "''", lambda _: "subject-key"),
)
_ID = "substring(sealed FROM 2 FOR 8)"


_EACH = " UNION ALL ".join(f"SELECT {_ID} AS id FROM {t.name} WHERE sealed IS NOT NULL" for t in _TABLES)  # noqa: S608 - constants
SEALED_BY = f"SELECT id, count(*) FROM ({_EACH}) s GROUP BY id"  # noqa: S608 - constants
"""How many values each key has sealed, by its id."""


class Rotated(NamedTuple):
    """So many values were sealed anew; these (table and owner) cannot be opened by any key, and stayed as they are."""

    values: int
    unopened: tuple[str, ...]


class StillInUse(RuntimeError):
    """Values are sealed by this key."""


async def seal_anew(
    database: OpsDatabase, envelope: Envelope, on_progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Rotated:
    """Until nothing is sealed by a former key, but for what no key opens. `on_progress`: (done, all there are)."""
    done, stuck = 0, set[str]()
    for _ in range(_ROUNDS):
        named = [(table, *each) for table in _TABLES for each in await _others(database, envelope, table)]
        waiting = [each for each in named if _name(*each) not in stuck]
        if not waiting:
            break
        total = done + len(waiting)
        for start in range(0, len(waiting), _CHUNK):
            for table, owner, label in waiting[start : start + _CHUNK]:
                try:
                    done += await _one(database, envelope, table, owner, label)
                except CannotOpen:
                    stuck.add(_name(table, owner, label))
            on_progress(done, total)
    return Rotated(done, tuple(sorted(stuck)))


async def sealed_by(database: OpsDatabase) -> dict[bytes, int]:
    """How many values each key has sealed."""
    found = await database.rows(SEALED_BY)
    return {bytes(key_id): count for key_id, count in found}


async def retire(database: OpsDatabase, key_id: bytes) -> None:
    """No value is sealed by this key, and from now on none can be. Raises StillInUse; a repeat changes nothing."""
    tables = ", ".join(table.name for table in _TABLES)
    async with database.connection() as connection, connection.transaction():
        # Whoever writes waits, or was there before: then it is counted.
        await connection.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE".encode())
        for table in _TABLES:
            query = f"SELECT count(*) FROM {table.name} WHERE {_ID} = %s".encode()  # noqa: S608 - constants
            row = await (await connection.execute(query, [key_id])).fetchone()
            if row is not None and row[0]:
                raise StillInUse(f"{row[0]} values are sealed by the master key {key_id.hex()}: certferry keys rotate")
        await connection.execute("INSERT INTO vault.retired_keys (key_id) VALUES (%s) ON CONFLICT DO NOTHING", [key_id])


async def _others(database: OpsDatabase, envelope: Envelope, table: _Table) -> Sequence[tuple[UUID, str]]:
    """What other keys have sealed."""
    query = f"SELECT {table.owner}, {table.label} FROM {table.name} WHERE {_ID} <> %s ORDER BY 1, 2"  # noqa: S608 - constants
    return [(row[0], row[1]) for row in await database.rows(query, [envelope.key_id])]


async def _one(database: OpsDatabase, envelope: Envelope, table: _Table, owner: UUID, label: str) -> int:
    where = f"WHERE {table.owner} = %(owner)s AND {table.label} = %(label)s AND sealed IS NOT NULL"
    at: dict[str, Any] = {"owner": owner, "label": label}
    rows = await database.rows(f"SELECT sealed FROM {table.name} {where}", at)  # noqa: S608 - constants
    if not rows:
        return 0  # forgotten meanwhile
    old, purpose = bytes(rows[0][0]), table.named(label)
    new = envelope.seal(owner, purpose, envelope.open(owner, purpose, old))
    update = f"UPDATE {table.name} SET sealed = %(new)s {where} AND sealed = %(old)s RETURNING 1"  # noqa: S608 - constants
    return len(await database.rows(update, at | {"new": new, "old": old}))


def _name(table: _Table, owner: UUID, label: str) -> str:
    return f"{table.name} {owner} {label}".rstrip()
