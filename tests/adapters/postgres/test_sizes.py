"""How much memory a new cluster keeps pages in."""

from pathlib import Path

import psycopg
import pytest

from adapters.postgres import cluster
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.sizes import shared_buffers, sized

GIGABYTE = 1 << 30


@pytest.mark.parametrize(
    ("machine", "limit", "megabytes"),
    [
        (4 * GIGABYTE, None, 512),
        (64 * GIGABYTE, None, 2048),
        (64 * GIGABYTE, 2 * GIGABYTE, 256),
        (2 * GIGABYTE, 64 * GIGABYTE, 256),
        (GIGABYTE // 2, None, 128),
        (1, 1, 128),
    ],
)
def test_an_eighth_of_the_memory_within_bounds(machine: int, limit: int | None, megabytes: int) -> None:
    """A control group's limit counts where it is the narrower one; never below PostgreSQL's own default."""
    assert sized(machine, limit) == megabytes


def test_here() -> None:
    """What this machine has leads to something between the bounds."""
    assert 128 <= shared_buffers() <= 2048


def test_a_cluster_is_made_with_it_and_may_be_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the cluster's own configuration, where whoever runs it can change it."""
    monkeypatch.setattr(cluster, "shared_buffers", lambda: 129)
    server = EmbeddedPostgres(tmp_path / "pg")
    with server, psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("129MB",)
        connection.execute("ALTER SYSTEM SET shared_buffers = '16MB'")
    with server, psycopg.connect(server.dsn("postgres")) as connection:
        assert connection.execute("SHOW shared_buffers").fetchone() == ("16MB",)
