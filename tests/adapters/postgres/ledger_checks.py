"""What must hold of every ledger, whatever happened to it: an auditor's reading of the stored rows."""

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from application.leaf import complete_leaf

_COLUMNS = (
    "notification_id, originator_id, originator_version, recorded_at, topic, state, salt, actor, correlation_id, leaf"
)


def rows(dsn: str) -> Iterator[tuple[Any, ...]]:
    """Every event, in order."""
    with psycopg.connect(dsn) as connection, connection.cursor(name="audit", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute(f"SELECT {_COLUMNS} FROM ledger.events ORDER BY notification_id".encode())
        yield from cursor


def check_ledger(dsn: str) -> int:
    """Dense positions, dense versions, instants that never go back, exact leaves, true digests. Returns the head."""
    expected, last = 0, None
    versions: dict[UUID, int] = {}
    for position, stream, version, at, topic, state, salt, actor, correlation_id, leaf in rows(dsn):
        expected += 1
        assert position == expected
        assert last is None or last <= at
        assert version == versions.get(stream, 0) + 1
        last, versions[stream] = at, version
        told = msgspec.json.decode(leaf)
        assert complete_leaf(leaf[: leaf.index(b',"version":')], version, position, at) == leaf
        assert told["data_sha256"] == hashlib.sha256(salt + state).hexdigest()
        assert (told["v"], told["type"], told["stream"]) == (1, topic, str(stream))
        assert (told["version"], told["position"]) == (version, position)
        assert (f"{told['actor']['kind']}:{told['actor']['id']}", told["correlation_id"]) == (
            actor,
            str(correlation_id),
        )
        assert told["subjects"][0] == str(stream)
        assert len(leaf) <= 65_535
    _check_commands(dsn, expected)
    return expected


def _check_commands(dsn: str, head: int) -> None:
    """The accepted commands with events cover the positions exactly; the head is the last."""
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT position FROM ledger.head").fetchall() == [(head,)]
        query = "SELECT first_position, last_position FROM ledger.commands ORDER BY last_position, first_position"
        reached = 0
        for first, final in connection.execute(query):
            if (first, final) == (reached, reached) and reached:
                continue  # a command without events stands at the head of its moment
            if first == final == 0:
                continue
            assert first == reached + 1
            reached = final
        assert reached == head
