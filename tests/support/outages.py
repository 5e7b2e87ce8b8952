"""A database that goes away and comes back, as far as those who connect to it can see."""

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.postgres import Pg


def database_away(pg: Pg, *, away: bool) -> None:
    """Refuse connections to the database and end those that are open, or let them in again."""
    server = make_conninfo(pg.superuser_dsn, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        allowed = "false" if away else "true"
        connection.execute(f'ALTER DATABASE "{pg.name}" WITH ALLOW_CONNECTIONS {allowed}'.encode())
        if away:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [pg.name],
            )
