"""What every process of the service asks of its database before it begins."""

from pathlib import Path

import psycopg

from adapters.postgres.migrations import check_migrated
from adapters.sealing.checkpoint_file import check_against
from adapters.settings import Settings


def check_database(settings: Settings) -> None:
    """Raise MigrationError, LedgerContradicted or psycopg.OperationalError where it is not the right one."""
    with psycopg.connect(settings.dsn, connect_timeout=5, autocommit=True) as connection:
        check_migrated(connection)
        if settings.sealing.checkpoint_file:
            check_against(connection, Path(settings.sealing.checkpoint_file))
