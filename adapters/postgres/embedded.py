"""The embedded PostgreSQL server: made, started, watched over and stopped by us.

    server = EmbeddedPostgres(Path("data/postgres"))
    server.start()
    ... psycopg.connect(server.dsn("certferry_app")) ...
    server.stop()

It listens on a Unix socket in a 0700 directory (and on loopback TCP only when asked), wants a password from
everyone, never runs as root, and ends with the process that started it, even after kill -9. Started again on the
same directory it continues with everything that was committed.
"""

import contextlib
import fcntl
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

from adapters.postgres.binaries import Binaries, NoPostgres, find_binaries
from adapters.postgres.cluster import Credentials, create_cluster, load_credentials
from adapters.postgres.launch import end, launch, server_options, watch
from adapters.postgres.postmaster import end_leftover
from adapters.postgres.published import readable_by
from adapters.postgres.roles import DATABASE
from adapters.postgres.socket_directory import socket_directory
from adapters.postgres.unprivileged import runner_for

_SOCKET_ONLY = 5432


class AlreadyRunning(RuntimeError):
    """Another process runs the server of this data directory. Stop that one first, or choose another directory."""


class DataOfAnotherVersion(RuntimeError):
    """The data directory belongs to a major version that is not installed; the message says how to go on."""


class EmbeddedPostgres:
    """The server of one data directory. Not for several threads at once; one object per directory and process."""

    def __init__(
        self, data_dir: Path, *, tcp: bool = False, start_timeout: float = 300.0, major: int | None = None
    ) -> None:
        """`tcp`: listen on a free port of 127.0.0.1 too. `start_timeout` in seconds covers a long crash recovery.

        `major`: PostgreSQL's version for a new data directory; by default the wheel's, else the newest installed one.
        """
        self._home = data_dir.absolute()
        self._cluster = self._home / "cluster"
        self._tcp = tcp
        self._major = major
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._credentials: Credentials | None = None
        self._socket_dir = self._home / "no-socket"
        self._port = _SOCKET_ONLY

    def start(self) -> Self:
        """Return when the server accepts connections. Raises AlreadyRunning, NoPostgres or launch.StartFailed."""
        if self.pid is not None:
            return self
        self.stop()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._take_lock()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self, timeout: float = 60.0) -> None:
        """Fast shutdown (open transactions are rolled back), then an immediate one after `timeout` seconds."""
        if self._process:
            end(self._process, timeout)
        self._end_watcher()
        self._process = None
        with contextlib.suppress(OSError):  # made again under the same name at the next start
            self._socket_dir.rmdir()
        self._release_lock()

    @property
    def pid(self) -> int | None:
        """The server's process id, None when it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def port(self) -> int:
        """The port: a TCP port when `tcp` was asked for, else only part of the socket's name."""
        return self._port

    def dsn(self, role: str = "certferry_app", database: str = DATABASE, *, tcp: bool = False) -> str:
        """A libpq connection URI with its password (never log it)."""
        if self._credentials is None:
            raise RuntimeError("start the server first")
        password = quote(self._credentials.of(role), safe="")
        host = "127.0.0.1" if tcp else quote(str(self._socket_dir), safe="")
        return f"postgresql://{role}:{password}@{host}:{self._port}/{quote(database, safe='')}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        runner = runner_for(self._cluster)
        binaries = readable_by(runner, _binaries_for(self._cluster, self._major))
        end_leftover(self._cluster)
        self._socket_dir = socket_directory(self._home, runner)
        if not self._cluster.exists():
            create_cluster(binaries, runner, self._cluster, self._socket_dir)
        self._credentials = load_credentials(self._cluster)
        if self._tcp and self._port == _SOCKET_ONLY:
            self._port = _free_port()
        listen = "127.0.0.1" if self._tcp else ""
        options = server_options(self._socket_dir, listen=listen, port=self._port)
        deadline = time.monotonic() + self._start_timeout
        self._process = launch(binaries.program("postgres"), options, runner, self._cluster, deadline)
        self._watcher = watch(self._cluster, self._process.pid)

    def _end_watcher(self) -> None:
        if self._watcher:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None

    def _take_lock(self) -> None:
        descriptor = os.open(self._home / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise AlreadyRunning(f"another process runs the database in {self._home}; stop it first") from None
        self._lock = descriptor

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _major_of(cluster: Path) -> int | None:
    """The major version an existing data directory is bound to."""
    try:
        return int((cluster / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _binaries_for(cluster: Path, wanted: int | None) -> Binaries:
    major = _major_of(cluster)
    try:
        return find_binaries(major or wanted)
    except NoPostgres as missing:
        if major is None:
            raise
        raise DataOfAnotherVersion(
            f"{cluster} was made by PostgreSQL {major}: {missing}. Install PostgreSQL {major}, or move the data with "
            f"pg_upgrade, or with pg_dump by PostgreSQL {major} and pg_restore into a new directory"
        ) from missing


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
