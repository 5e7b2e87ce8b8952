"""A page of certificates by one statement that is quick whether many or few are found.

Many: the list is walked in its order, and some steps away the page is full. Few: the walk would never end, so it ends
after `REACH` certificates, and the index of terms tells all there are, which are then sorted. That is done only where
the walk has not filled the page: the condition on its count is decided once, before anything is looked up.
"""

from collections.abc import Sequence
from typing import Any

from projections.inventory.conditions import conditions, looked_up, window
from projections.inventory.view import CertificateFilter
from projections.reading.queries import Order, columns

REACH = 3_000
"""Certificates that are looked at in the order of the list before the index is asked."""


def searched(narrow: CertificateFilter, order: Order, limit: int, cursor: str | None) -> tuple[str, Sequence[Any]]:
    """The statement and its parameters. Raises BadCursor."""
    exact, begins = conditions(narrow), order.after(window(narrow), "e", cursor)
    row, sort = columns("e"), order.sql("e")
    if not str(exact):
        return f"SELECT {row} FROM read.inventory e{begins}{sort} LIMIT {limit}", begins.parameters  # noqa: S608 - our own
    few = exact.both(begins).both(looked_up(narrow))
    query = f"""
WITH near AS MATERIALIZED (
    SELECT {row}, e.{order.column} AS place
    FROM (SELECT * FROM read.inventory e{begins}{sort} LIMIT {REACH}) e{exact}{sort} LIMIT {limit}),
far AS MATERIALIZED (
    SELECT e.id, e.{order.column} FROM read.inventory e{few} AND (SELECT count(*) FROM near) < {limit})
SELECT {row}, e.place FROM near e WHERE (SELECT count(*) FROM near) >= {limit}
UNION ALL
SELECT {row}, e.{order.column} FROM read.inventory e WHERE e.id IN (SELECT e.id FROM far e{sort} LIMIT {limit})
ORDER BY {order.listed("place")}
"""  # noqa: S608 - our own names
    return query, [*begins.parameters, *exact.parameters, *few.parameters]
