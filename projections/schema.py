"""The SQL of the projections' own tables in schema `read`: definitions, and the statements of a batch. Pure text.

Each line (projections.lines) has a table with one row, `read.positions` for what is live: how far its projections have
come, and an `epoch` that changes with every swap of a table. (A new row for every batch, read from the end of the
index: a row updated for ever would grow under any old snapshot.)
`read.projections` says which build of which projection stands, in which tables; `read.quarantined` which keys of which
projection take no more events, since which position, and how many were skipped.
"""

from collections.abc import Sequence
from functools import cache

from projections.columns import Column, Type
from projections.entity import OPEN, ROW, Table
from projections.lines import HISTORY, LIVE, Line


def standing(line: Line) -> str:
    """How far the projections of a line have come."""
    return f"SELECT position, epoch FROM read.{line.positions} p ORDER BY position DESC LIMIT 1"  # noqa: S608 - our own


POSITION = standing(LIVE)
"""How far what is live has come."""

STALE = "CF001"
"""SQLSTATE of `read.advance` where somebody else moved the position or swapped a table."""

_IN_LINE = 640
"""Bytes of a row that stay together, where parts of it are stored out of line."""

_SENT = {Type.UUID: "uuid_send({})", Type.INSTANT: "timestamptz_send({})"}


def _line(line: Line) -> str:
    """Where the position of a line is kept, and what moves it."""
    return f"""
CREATE TABLE IF NOT EXISTS read.{line.positions} (
    position bigint PRIMARY KEY,
    epoch bigint NOT NULL
);
INSERT INTO read.{line.positions} (position, epoch) SELECT 0, 0 WHERE NOT EXISTS (SELECT FROM read.{line.positions});
CREATE OR REPLACE FUNCTION read.{line.advance}(old bigint, new bigint, seen bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    current record;
BEGIN
    SELECT p.position, p.epoch INTO current FROM read.{line.positions} p ORDER BY p.position DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND OR (current.position, current.epoch) <> (old, seen) THEN
        RAISE EXCEPTION 'the projections are no longer at position %, epoch %', old, seen USING ERRCODE = '{STALE}';
    END IF;
    INSERT INTO read.{line.positions} (position, epoch) VALUES (new, seen);
    DELETE FROM read.{line.positions} p WHERE p.position = old;
    PERFORM pg_notify('{line.channel}', new::text);
END
$$;
"""  # noqa: S608 - our own names


FOUNDATION = f"""
{_line(LIVE)}
{_line(HISTORY)}
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
-- The position of an instant, once and for all; null where the instant is yet to come.
CREATE OR REPLACE FUNCTION read.settled_at(instant timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    latest timestamptz;
BEGIN
    SELECT recorded_at INTO latest FROM ledger.events ORDER BY notification_id DESC LIMIT 1;
    IF latest IS NULL OR latest <= instant THEN
        IF instant >= clock_timestamp() THEN
            RETURN NULL;
        END IF;
        -- Whoever is appending may have taken an earlier instant than this one: wait for them (ledger.append's lock).
        PERFORM pg_advisory_xact_lock_shared(7163384699739501);
    END IF;
    RETURN read.position_at(instant);
END
$$;
"""  # noqa: S608 - a constant


def bare(table: Table, name: str) -> tuple[str, ...]:
    """What makes `table` under a name, without any index."""
    return (create_table(table, name), *uncounted(table, name), *apart(table, name))


def create_table(table: Table, name: str) -> str:
    """`table` under a name, without any index. (A version changes once, in a column of its key: that needs no room.)"""
    columns = [f"{column.name} {_definition(column.type)}" for column in table.columns]
    full = 100 if table.versions or table.keep else 85
    return f"CREATE TABLE read.{name} ({', '.join(columns)}) WITH (fillfactor = {full})"


def uncounted(table: Table, name: str) -> tuple[str, ...]:
    """Nobody searches by documents: keeping statistics of them would cost half of what all of it costs. Terms are asked
    for where something is rare; without statistics PostgreSQL takes them to be.
    """
    without = [column.name for column in table.columns if column.name == "doc" or column.type is Type.INTEGERS]
    return tuple(f"ALTER TABLE read.{name} ALTER COLUMN {column} SET STATISTICS 0" for column in without)


def apart(table: Table, name: str) -> tuple[str, ...]:
    """Columns that keep what was there, terms, and documents beside them are stored out of line: lists do not look at
    them, and what they do look at needs a fourth of the memory. (PostgreSQL begins with it in rows of 2,000 bytes.)
    """
    wide = [column.name for column in table.columns if column.sticky or column.type is Type.INTEGERS]
    if not wide:
        return ()
    moved = ", ".join(f"ALTER COLUMN {column} SET STORAGE EXTERNAL" for column in ("doc", *wide))
    return (f"ALTER TABLE read.{name} {moved}, SET (toast_tuple_target = {_IN_LINE})",)


def create_key(table: Table, name: str) -> str:
    """The primary key of `table` under a name. Of versions it begins with whose they are and until when: the latest are
    found first, and the open one at once.
    """
    key = [column.name for column in table.columns[: table.key]] + (["until", "since"] if table.versions else [])
    return f"ALTER TABLE read.{name} ADD PRIMARY KEY ({', '.join(key)})"


def create_indexes(table: Table, name: str) -> tuple[str, ...]:
    """The other indexes of `table` under a name."""
    return tuple(f"CREATE INDEX ON read.{name} {on}" for on in table.indexes)


def _definition(kind: Type) -> str:
    """Texts compare by their bytes: the same order on every server."""
    return f'{kind.sql} COLLATE "C"' if kind in (Type.TEXT, Type.TEXTS) else kind.sql


_ENTRY = (
    "notification_id",
    "uuid_send(originator_id)",
    "originator_version",
    "timestamptz_send(recorded_at)",
    "topic",
    "state",
)


@cache
def entries(*, leaf: bool, bounded: bool) -> tuple[str, str]:
    """Events after a position (`bounded`: and up to another), at most so many: as one row with an array per column, and
    as a row each. (Arrays are filled in the order of the subquery.)
    """
    columns = (*_ENTRY, "leaf") if leaf else _ENTRY
    condition = f"notification_id > %b{' AND notification_id <= %b' if bounded else ''}"
    source = f"ledger.events WHERE {condition} ORDER BY notification_id LIMIT %b"
    arrays = ", ".join(f"array_agg({column})" for column in columns)
    return (
        f"SELECT {arrays} FROM (SELECT * FROM {source}) AS e",  # noqa: S608 - our own names
        f"SELECT {', '.join(columns)} FROM {source}",  # noqa: S608 - our own names
    )


@cache
def load(tables: tuple[tuple[str, bool], ...]) -> str:
    """Rows by id from several tables (name, and whether it holds versions: then the open ones) in one statement, each
    with the number of its table; one `uuid[]` per table. Ids and instants come in the bytes that they go back in.
    """
    columns = ", ".join(_SENT.get(column.type, "{}").format(column.name) for column in ROW)
    return " UNION ALL ".join(
        f"SELECT {number}, {columns} FROM read.{name} "  # noqa: S608 - our own names
        f"WHERE id = ANY (%b::uuid[]){f' AND until = {OPEN}' if versions else ''}"
        for number, (name, versions) in enumerate(tables)
    )


def write(table: Table, name: str) -> tuple[str, ...]:
    """The statements that write rows, each with one array parameter per column. Of versions, first those that end:
    whose, and until when.
    """
    return (_end(table, name), _insert(table, name)) if table.versions else (_insert(table, name),)


def _insert(table: Table, name: str) -> str:
    columns = [column.name for column in table.columns]
    values = ", ".join(f"u.{c.name}::{c.type.sql}" if c.type.is_array else f"u.{c.name}" for c in table.columns)
    conflict = f" ON CONFLICT ({', '.join(columns[: table.key])}) {_on_conflict(table)}" if not table.versions else ""
    return (
        f"INSERT INTO read.{name} AS t ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {values} FROM unnest({_parameters(table.columns)}) AS u ({', '.join(columns)}){conflict}"
    )


def _end(table: Table, name: str) -> str:
    key = [column.name for column in table.columns[: table.key]]
    same = " AND ".join(f"t.{column} = u.{column}" for column in key)
    return (
        f"UPDATE read.{name} AS t SET until = u.until "  # noqa: S608 - our own names
        f"FROM unnest({_parameters(table.ended)}) AS u ({', '.join([*key, 'until'])}) WHERE {same} AND t.until = {OPEN}"
    )


def _parameters(columns: Sequence[Column]) -> str:
    return ", ".join(f"%b::{column.type.parameter}" for column in columns)


def _on_conflict(table: Table) -> str:
    if table.keep:
        return "DO NOTHING"
    return f"DO UPDATE SET {', '.join(map(_change, table.columns[table.key :]))}"


def _change(column: Column) -> str:
    """A row that keeps its terms keeps their place, too: no index has to learn of it."""
    new, old = f"excluded.{column.name}", f"t.{column.name}"
    if column.sticky:
        return f"{column.name} = coalesce({new}, {old})"
    kept = column.type is Type.INTEGERS
    return f"{column.name} = {f'CASE WHEN {new} = {old} THEN {old} ELSE {new} END' if kept else new}"


@cache
def store(tables: tuple[Table, ...], names: tuple[str, ...], line: Line | None = None) -> str:
    """The rows of several tables, under these names, in one statement and so in one transaction; with a line, then its
    old position, its new one and its epoch.
    """
    statements = [each for table, name in zip(tables, names, strict=True) for each in write(table, name)]
    written = [f"w{number} AS ({statement})" for number, statement in enumerate(statements)]
    move = f"SELECT read.{line.advance}(%b, %b, %b)" if line else "SELECT"
    return f"WITH {', '.join(written)} {move}" if written else move
