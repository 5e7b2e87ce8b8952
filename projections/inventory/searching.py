"""A page of certificates by one statement that is quick whether many or few are found.

Many: the list is walked in its order, and some steps away the page is full. Few: the walk would never end, so it ends
after `REACH` certificates, and the index of terms tells all there are, which are then sorted. That is done only where
the walk has not filled the page: the condition is decided once, before anything is looked up.

Between the two, where a part of a name is asked for, lies a stretch of the order: what the index of terms and that of
the order both have is looked at, before all that the first one has. A list by name does without: what a name is found
by decides where in the order it stands.

Where kinds of certificates are asked for (kinds.py), the list of each kind is walked by itself, and the page is merged
of them. A list whose walk ended too early says nothing about what comes behind its end, so the page has to be full
before the first of such ends.

`OFFSET 0` keeps PostgreSQL from looking through it: what has been decided on the way is not asked again, and what is
sorted is not walked after all.
"""

from collections.abc import Sequence
from typing import Any

from projections.inventory.conditions import conditions, looked_up, of_kind, window
from projections.inventory.view import CertificateFilter
from projections.reading.queries import Order, Where, columns

REACH = 3_000
"""Certificates that are looked at in the order of lists, at least one of each, before the index is asked."""

KINDS = 1_000
"""Where there are so many kinds, they are not looked through: the index is asked at once."""

STRETCH = 30_000
"""Certificates from where a list begins, among which those that the index of terms has are looked at first."""

_ASKED = (
    "e.kind, e.source, e.usage, e.provider, e.has_private_key, e.renewed, e.key_algorithm, e.issuer, e.issuer_key_id"
)
_FIRST = "ORDER BY e.kind, e.created_position LIMIT 1"


def searched(narrow: CertificateFilter, order: Order, limit: int, cursor: str | None) -> tuple[str, Sequence[Any]]:
    """The statement and its parameters. Raises BadCursor."""
    exact, within = conditions(narrow), order.after(window(narrow), "e", cursor)
    # Elsewhere the ends of validity say nothing about where the list begins and ends: they are compared on the way.
    begins = within if order.column == "not_after" else order.after(Where(), "e", cursor)
    row, sort = columns("e"), order.sql("e")
    if not str(exact):
        return f"SELECT {row} FROM read.inventory e{begins}{sort} LIMIT {limit}", begins.parameters  # noqa: S608 - our own
    kinds, few = of_kind(narrow), exact.both(within)
    by_terms = not narrow.target_system_id  # what is on a target system is found by its connectors: they are fewer
    if by_terms:
        few = few.both(looked_up(narrow))
    near = _of_kinds(kinds, exact, begins, order, limit) if str(kinds) else _of_all(exact, begins, order, limit)
    looks = narrow.q and by_terms and order.column != "common_name"
    stretch = _stretch(few, begins, order, limit) if looks else (_NO_STRETCH, [])
    query = f"""
WITH RECURSIVE {near},
certain AS MATERIALIZED (
    SELECT e.id FROM (SELECT e.*, count(*) FILTER (WHERE e.is_end) OVER (
        ORDER BY {order.listed("place")} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ends FROM near e) e
    WHERE e.is_found AND e.ends = 0 ORDER BY {order.listed("place")} LIMIT {limit}),
enough AS MATERIALIZED (SELECT (SELECT count(*) FROM known) < {KINDS} AND (
    (SELECT count(*) FROM certain) >= {limit} OR NOT EXISTS (SELECT FROM near e WHERE e.is_end)) AS is_so),
{stretch[0]},
far AS MATERIALIZED (
    SELECT e.id FROM (
        SELECT e.id, e.{order.column} FROM read.inventory e{few}
            AND NOT (SELECT is_so FROM enough) AND (SELECT count(*) FROM stretch) < {limit} OFFSET 0) e
    {sort} LIMIT {limit})
SELECT {row} FROM read.inventory e WHERE e.id IN (
    SELECT id FROM certain WHERE (SELECT is_so FROM enough) UNION ALL
    SELECT id FROM stretch WHERE (SELECT count(*) FROM stretch) = {limit} UNION ALL SELECT id FROM far){sort}
"""  # noqa: S608 - our own names
    given = [*kinds.parameters, *exact.parameters, *begins.parameters, *stretch[1], *few.parameters]
    return query, given


_NO_STRETCH = "stretch AS (SELECT e.id FROM read.inventory e WHERE false)"


def _stretch(few: Where, begins: Where, order: Order, limit: int) -> tuple[str, list[Any]]:
    """What is found in a stretch of the order. Both its ends are named, so that PostgreSQL takes it to be short, and
    asks both indexes; where the list ends before, there is none.
    """
    column, sort = order.column, order.sql("e")
    since, until = ("<=", ">") if order.descending else (">=", "<")
    end = f"SELECT e.{column} FROM read.inventory e{begins}{sort} LIMIT 1"  # noqa: S608 - our own names
    stretch = f"""
stretch AS MATERIALIZED (
    SELECT e.id FROM (
        SELECT e.id, e.{column} FROM read.inventory e{few} AND NOT (SELECT is_so FROM enough)
            AND e.{column} {since} ({end}) AND e.{column} {until} ({end} OFFSET {STRETCH}) OFFSET 0) e
    {sort} LIMIT {limit})"""  # noqa: S608 - our own names
    return stretch, [*few.parameters, *begins.parameters, *begins.parameters]


def _of_all(exact: Where, begins: Where, order: Order, limit: int) -> str:
    """What is found on the way along the list, and where the walk ended before the list did."""
    walk = _walk(exact, begins, order, limit, str(REACH))
    return f"known AS (SELECT WHERE false), near AS MATERIALIZED ({walk})"


def _of_kinds(kinds: Where, exact: Where, begins: Where, order: Order, limit: int) -> str:
    """The same along the list of each kind. `known` are the kinds that there are, each with one certificate of it."""
    reach = f"(SELECT greatest({REACH} / greatest(count(*), 1), 1) FROM lists)"  # noqa: S608 - a constant
    walk = _walk(exact, Where(["e.kind = l.kind"]).both(begins), order, limit, reach)
    return f"""
each_kind AS (
    (SELECT {_ASKED} FROM read.inventory e {_FIRST})
    UNION ALL
    SELECT n.* FROM each_kind k
    CROSS JOIN LATERAL (SELECT {_ASKED} FROM read.inventory e WHERE e.kind > k.kind {_FIRST}) n),
known AS MATERIALIZED (SELECT * FROM each_kind LIMIT {KINDS}),
lists AS MATERIALIZED (SELECT e.kind FROM known e{kinds}),
near AS MATERIALIZED (SELECT n.* FROM lists l CROSS JOIN LATERAL ({walk}) n)"""  # noqa: S608 - our own names


def _walk(exact: Where, begins: Where, order: Order, limit: int, reach: str) -> str:
    sort, found = order.sql("e"), " AND ".join(exact.conditions)
    return f"""
    SELECT e.id, e.place, e.is_found, e.step = {reach} AS is_end FROM (
        SELECT e.id, e.{order.column} AS place, e.step, ({found}) AS is_found FROM (
            SELECT e.*, row_number() OVER ({sort}) AS step FROM read.inventory e{begins}{sort} LIMIT {reach}) e
        OFFSET 0) e
    WHERE e.is_found OR e.step = {reach} LIMIT {limit}"""  # noqa: S608 - our own names
