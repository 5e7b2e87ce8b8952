"""The embedded server: made once, started again with everything, safe from others, never left behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.embedded import AlreadyRunning, DataOfAnotherVersion, EmbeddedPostgres
from adapters.postgres.postmaster import read_postmaster
from adapters.postgres.roles import APP, OWNER

ROOT = Path(__file__).resolve().parents[3]

SUPERVISOR = """
import sys, time
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for the tests of this module: each starts from what the one before left."""
    return Path(tmp_path_factory.mktemp("embedded")) / "a directory with a long name" / ("x" * 90)


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    embedded = EmbeddedPostgres(home).start()
    yield embedded
    embedded.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> None:
    while alive(pid):
        time.sleep(0.02)


def count_rows(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.dsn(OWNER)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert row is not None
        return int(row[0])


def test_it_never_runs_as_root(server: EmbeddedPostgres) -> None:
    """The server's process belongs to an unprivileged user, or to us where we are one."""
    assert server.pid is not None
    uid = Path(f"/proc/{server.pid}").stat().st_uid
    assert uid != 0
    assert os.geteuid() in {0, uid}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("jit", "off"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
        ("unix_socket_permissions", "0700"),
    ],
)
def test_settings(server: EmbeddedPostgres, setting: str, value: str) -> None:
    """Durable, checksummed, closed to the network."""
    with psycopg.connect(server.dsn(APP)) as connection:
        assert (value,) == connection.execute("SELECT current_setting(%s)", [setting]).fetchone()


@pytest.mark.parametrize("role", ["postgres", OWNER, APP])
def test_everyone_needs_a_password(server: EmbeddedPostgres, role: str) -> None:
    """A wrong password is refused for every role, over the socket too."""
    dsn = server.dsn(role)
    wrong = dsn.replace(dsn.split(":")[2].split("@")[0], "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_secrets_are_ours_alone(server: EmbeddedPostgres, home: Path) -> None:
    """Passwords are 0600, the directories 0700, and no password stands in a process list or in the log."""
    assert stat.S_IMODE((home / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path((home / "socket_directory").read_text()).stat().st_mode) == 0o700
    password = server.dsn(OWNER).split(":")[2].split("@")[0]
    seen = Path(f"/proc/{server.pid}/cmdline").read_text() + Path(f"/proc/{server.pid}/environ").read_text()
    assert password not in seen + (home / "server.log").read_text()


def test_roles_are_weak(server: EmbeddedPostgres) -> None:
    """Neither of our two roles may make roles, databases or be a superuser."""
    with psycopg.connect(server.dsn(APP)) as connection:
        rows = connection.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles"
            " WHERE rolname = ANY (%s)",
            [[OWNER, APP]],
        ).fetchall()
    assert rows == [(False,), (False,)]


def test_stopped_and_started_it_continues(home: Path) -> None:
    """What was committed is there after a clean stop, under the same address and passwords."""
    first = EmbeddedPostgres(home).start()
    dsn, rows = first.dsn(OWNER), count_rows(first)
    first.stop()
    assert first.pid is None
    second = EmbeddedPostgres(home).start()
    try:
        assert dsn == second.dsn(OWNER)
        assert rows + 1 == count_rows(second)
    finally:
        second.stop()


def test_after_kill_9_of_the_server(server: EmbeddedPostgres) -> None:
    """The same object starts it again, with everything that was committed."""
    rows, pid = count_rows(server), server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert server.pid is None
    server.start()
    assert rows + 1 == count_rows(server)


def supervise(home: Path) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-c", SUPERVISOR, str(home)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_after_kill_9_of_the_supervisor(home: Path) -> None:
    """The server ends by itself when its supervisor is gone, and the directory is free for the next."""
    process, pid = supervise(home)
    kill(process)
    wait_until_gone(pid)
    with EmbeddedPostgres(home) as server:
        assert count_rows(server) > 0


def test_started_again_at_once_after_kill_9_of_the_supervisor(home: Path) -> None:
    """Nobody has to wait for the old server to be gone."""
    process, pid = supervise(home)
    kill(process)
    with EmbeddedPostgres(home) as server:
        assert server.pid != pid
        assert count_rows(server) > 0


def test_a_server_that_nobody_watches_any_more(home: Path) -> None:
    """When supervisor and watcher are both killed, the next start ends the orphan and takes over."""
    process, pid = supervise(home)
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if int(child) != pid:
            os.kill(int(child), signal.SIGKILL)
    kill(process)
    assert alive(pid)
    with EmbeddedPostgres(home) as server:
        assert not alive(pid)
        assert count_rows(server) > 0


def test_one_supervisor_at_a_time(server: EmbeddedPostgres, home: Path) -> None:
    """A second one is refused with the directory's name, and the first goes on."""
    with pytest.raises(AlreadyRunning, match="another process"):
        EmbeddedPostgres(home).start()
    assert count_rows(server) > 0


def test_a_pid_that_now_belongs_to_somebody_else(home: Path) -> None:
    """A note of a dead server whose process id was given to another process (a new container) does not matter."""
    note = home / "cluster" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n/somewhere\n0\n5432\n/tmp\n\n  0  0\nready\n")
    with EmbeddedPostgres(home) as server:
        assert count_rows(server) > 0
        noted = read_postmaster(home / "cluster")
        assert noted is not None
        assert noted.pid == server.pid


def test_data_of_another_major_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the version and what can be done, and nothing is touched."""
    version = home / "cluster" / "PG_VERSION"
    content = version.read_text()
    version.write_text("9\n")
    try:
        with pytest.raises(DataOfAnotherVersion, match=r"made by PostgreSQL 9.*pg_dump"):
            EmbeddedPostgres(home).start()
    finally:
        version.write_text(content)


def test_an_interrupted_beginning(tmp_path: Path) -> None:
    """What a killed first start left half made is made again."""
    half = tmp_path / "data" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "data") as server:
        assert count_rows(server) == 1


def test_loopback_only_when_asked(home: Path) -> None:
    """With `tcp` it listens on a free port of 127.0.0.1, and nowhere else."""
    with EmbeddedPostgres(home, tcp=True) as server:
        with psycopg.connect(server.dsn(APP, tcp=True)) as connection:
            assert connection.info.host == "127.0.0.1"
        with pytest.raises(OSError, match=r"[Rr]efused"):
            socket.create_connection(("127.0.0.2", server.port), timeout=5)


def test_no_process_is_left(home: Path) -> None:
    """After a stop neither server nor watcher is there."""
    server = EmbeddedPostgres(home).start()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    during = set(children.read_text().split())
    server.stop()
    assert len(during - set(children.read_text().split())) == 2
