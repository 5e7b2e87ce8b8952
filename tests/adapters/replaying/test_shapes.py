"""Every table can be verified."""

import pytest

from adapters.replaying.keys import Shape
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.entity import Table

TABLES = {table.name: table for each in (*ALL_PROJECTIONS, *HISTORIES) for table in each.tables}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_columns_that_keep_what_was_there_come_last(table: Table) -> None:
    """So that rows are taken apart without looking at each column."""
    shape = Shape.of(table)
    assert len(shape.kinds) == len(table.columns) - 2 * table.versions
