"""Rows out of the server one after the other: all of them, errors in the driver's words, and nothing left behind."""

import psycopg
import pytest

from adapters.postgres.copying import copied
from tests.support.postgres import Pg


def test_every_row_comes(pg: Pg) -> None:
    """None, one, many; each as a count of fields and the fields."""
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        for number in (0, 1, 2, 5000):
            rows = list(copied(connection, f"SELECT n::bigint, 'x'::text FROM generate_series(1, {number}) n"))
            expected = [b"\0\2\0\0\0\10" + n.to_bytes(8) + b"\0\0\0\1x" for n in range(1, number + 1)]
            assert expected == rows


def test_an_error_is_the_driver_s(pg: Pg) -> None:
    """At the beginning, and in the middle; the connection goes on."""
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            list(copied(connection, "SELECT * FROM nothing"))
        with pytest.raises(psycopg.errors.DivisionByZero):
            list(copied(connection, "SELECT 1 / (5000 - n) FROM generate_series(1, 9999) n"))
        assert (1,) == connection.execute("SELECT 1").fetchone()


def test_whoever_has_enough_can_stop(pg: Pg) -> None:
    """In the middle, or before the first row; the connection goes on."""
    with psycopg.connect(pg.app_dsn, autocommit=True) as connection:
        for number in (1, 5, 4000):
            rows = copied(connection, "SELECT n FROM generate_series(1, 10000000) n")
            for _ in range(number):
                next(rows)
            rows.close()
            assert (1,) == connection.execute("SELECT 1").fetchone()
        copied(connection, "SELECT 1").close()
        assert (1,) == connection.execute("SELECT 1").fetchone()
