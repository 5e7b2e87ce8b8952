"""The SQL of the projections' own tables in schema `read`: definitions, and the statements of a batch. Pure text.

`read.positions` has one row: how far all projections have come, and an `epoch` that changes with every swap of a table.
(A new row for every batch, read from the end of the index: a row updated for ever would grow under any old snapshot.)
`read.projections` says which build of which projection stands, in which tables; `read.quarantined` which keys of which
projection take no more events, since which position, and how many were skipped.
"""

from functools import cache

from projections.columns import Type
from projections.entity import ROW, Table

POSITION = "SELECT position, epoch FROM read.positions ORDER BY position DESC LIMIT 1"
"""How far all projections have come."""

STALE = "CF001"
"""SQLSTATE of `read.advance` where somebody else moved the position or swapped a table."""

_SENT = {Type.UUID: "uuid_send({})", Type.INSTANT: "timestamptz_send({})"}

FOUNDATION = f"""
CREATE TABLE IF NOT EXISTS read.positions (
    position bigint PRIMARY KEY,
    epoch bigint NOT NULL
);
INSERT INTO read.positions (position, epoch) SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM read.positions);
CREATE OR REPLACE VIEW read.position AS {POSITION};
CREATE TABLE IF NOT EXISTS read.projections (
    name text PRIMARY KEY,
    build bigint NOT NULL,
    tables text[] NOT NULL,
    built_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS read.quarantined (
    projection text NOT NULL,
    key uuid NOT NULL,
    position bigint NOT NULL,
    skipped bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (projection, key)
);
CREATE OR REPLACE FUNCTION read.advance(old bigint, new bigint, seen bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    current record;
BEGIN
    SELECT p.position, p.epoch INTO current FROM read.positions p ORDER BY p.position DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND OR (current.position, current.epoch) <> (old, seen) THEN
        RAISE EXCEPTION 'the projections are no longer at position %, epoch %', old, seen USING ERRCODE = '{STALE}';
    END IF;
    INSERT INTO read.positions (position, epoch) VALUES (new, seen);
    DELETE FROM read.positions p WHERE p.position = old;
    PERFORM pg_notify('read_position', new::text);
END
$$;
CREATE OR REPLACE FUNCTION read.position_at(instant timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 0;   -- recorded at or before the instant (0: before the first event)
    high bigint;       -- recorded after it
    middle bigint;
BEGIN
    SELECT position + 1 INTO high FROM ledger.head;
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        IF (SELECT recorded_at FROM ledger.events WHERE notification_id = middle) <= instant THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
"""  # noqa: S608 - a constant


def create_table(table: Table, name: str) -> str:
    """`table` under a name, without any index."""
    columns = [f"{column.name} {_definition(column.type)}" for column in table.columns]
    return f"CREATE TABLE read.{name} ({', '.join(columns)}) WITH (fillfactor = 85)"


def create_key(table: Table, name: str) -> str:
    """The primary key of `table` under a name."""
    key = ", ".join(column.name for column in table.columns[: table.key])
    return f"ALTER TABLE read.{name} ADD PRIMARY KEY ({key})"


def create_indexes(table: Table, name: str) -> tuple[str, ...]:
    """The other indexes of `table` under a name."""
    return tuple(f"CREATE INDEX ON read.{name} {on}" for on in table.indexes)


def _definition(kind: Type) -> str:
    """Texts compare by their bytes: the same order on every server."""
    return f'{kind.sql} COLLATE "C"' if kind in (Type.TEXT, Type.TEXTS) else kind.sql


@cache
def load(names: tuple[str, ...]) -> str:
    """Rows by id from several tables in one statement, each with the number of its table; one `uuid[]` per table. Ids
    and instants come in the bytes that they go back in.
    """
    columns = ", ".join(_SENT.get(column.type, "{}").format(column.name) for column in ROW)
    return " UNION ALL ".join(
        f"SELECT {number}, {columns} FROM read.{name} WHERE id = ANY (%b::uuid[])"  # noqa: S608 - our own names
        for number, name in enumerate(names)
    )


def upsert(table: Table, name: str) -> str:
    """Write rows: one array parameter per column."""
    columns = [column.name for column in table.columns]
    parameters = ", ".join(f"%b::{column.type.parameter}" for column in table.columns)
    values = ", ".join(f"u.{c.name}::{c.type.sql}" if c.type.is_array else f"u.{c.name}" for c in table.columns)
    return (
        f"INSERT INTO read.{name} AS t ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {values} FROM unnest({parameters}) AS u ({', '.join(columns)}) "
        f"ON CONFLICT ({', '.join(columns[: table.key])}) {_on_conflict(table)}"
    )


def _on_conflict(table: Table) -> str:
    if table.keep:
        return "DO NOTHING"
    changes = [
        f"{c.name} = coalesce(excluded.{c.name}, t.{c.name})" if c.sticky else f"{c.name} = excluded.{c.name}"
        for c in table.columns[table.key :]
    ]
    return f"DO UPDATE SET {', '.join(changes)}"


@cache
def store(tables: tuple[Table, ...], names: tuple[str, ...], *, advance: bool) -> str:
    """The rows of several tables, under these names, in one statement and so in one transaction; `advance`: then old
    position, new one and epoch.
    """
    written = [f"w{n} AS ({upsert(t, name)})" for n, (t, name) in enumerate(zip(tables, names, strict=True))]
    move = "SELECT read.advance(%b, %b, %b)" if advance else "SELECT"
    return f"WITH {', '.join(written)} {move}" if written else move
