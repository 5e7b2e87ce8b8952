"""Starting the server as a child process, waiting until it answers, watching over it, ending it."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from adapters.postgres.postmaster import read_postmaster
from adapters.postgres.unprivileged import Runner

SETTINGS = {
    "unix_socket_permissions": "0700",
    "cluster_name": "certferry",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "off",
}
_LOG_LIMIT = 10_000_000
_WATCHER = 'read _ <&0; [ "$(head -n 1 "$1" 2>/dev/null)" = "$2" ] && kill -INT "$2"'


class StartFailed(RuntimeError):
    """PostgreSQL ended instead of starting; the message holds the end of its log."""


def server_options(socket_dir: Path, *, listen: str, port: int) -> list[str]:
    """The server's options. They carry our settings, so that no file of the unprivileged user is written by us.

    Durability is not up for discussion here; sizes (shared_buffers and so on) are PostgreSQL's defaults, or those that
    its cluster was made with (sizes.py), and may be changed in the cluster's `postgresql.conf`.
    """
    ours = {**SETTINGS, "unix_socket_directories": str(socket_dir), "listen_addresses": listen, "port": str(port)}
    return [part for name, value in ours.items() for part in ("-c", f"{name}={value}")]


def launch(program: str, options: list[str], runner: Runner, cluster: Path, deadline: float) -> subprocess.Popen[bytes]:
    """The started server, ready for connections. `deadline` on the monotonic clock. Raises StartFailed."""
    log_path = cluster.with_name("server.log")
    while True:
        with _open_log(log_path) as log:
            since = log.tell()
            process = _spawn(program, options, runner, cluster, log)
        if _wait_ready(process, cluster, deadline):
            return process
        end(process, 60.0)
        said = _tail(log_path, since)
        if "still in use" not in said or time.monotonic() > deadline:
            raise StartFailed(f"PostgreSQL did not start on {cluster}: {said}")
        time.sleep(0.1)  # children of a killed server are still on their way out


def watch(cluster: Path, pid: int) -> subprocess.Popen[bytes]:
    """A shell that waits on a pipe only we hold open: when we are gone, however, it stops the server."""
    arguments = ["certferry-postgres-watcher", str(cluster / "postmaster.pid"), str(pid)]
    null = subprocess.DEVNULL
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER, *arguments],
        stdin=subprocess.PIPE,
        stdout=null,
        stderr=null,
        start_new_session=True,
        cwd="/",
    )


def end(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Fast shutdown, after `timeout` seconds an immediate one, after as many again SIGKILL (recovery at next start)."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                continue


def _spawn(program: str, options: list[str], runner: Runner, cluster: Path, log: BinaryIO) -> subprocess.Popen[bytes]:
    with runner.reaching(cluster) as (data, process):
        return subprocess.Popen[bytes](
            [program, "-D", data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **process,
        )


def _wait_ready(process: subprocess.Popen[bytes], cluster: Path, deadline: float) -> bool:
    while process.poll() is None and time.monotonic() < deadline:
        note = read_postmaster(cluster)
        if note and note.ready and note.pid == process.pid:
            return True
        time.sleep(0.01)
    return False


def _open_log(path: Path) -> BinaryIO:
    """The server's log, appended to; the file before the last ten megabytes is kept as `.1`."""
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.lseek(descriptor, 0, os.SEEK_END)
    return os.fdopen(descriptor, "ab", buffering=0)


def _tail(path: Path, since: int) -> str:
    with path.open("rb") as log:
        log.seek(since)
        return log.read()[-2000:].decode(errors="replace").strip()
