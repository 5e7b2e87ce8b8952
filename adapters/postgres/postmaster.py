"""What `postmaster.pid` says, and ending a server that outlived its supervisor."""

import os
import signal
import time
from pathlib import Path

import msgspec


class StillRunning(RuntimeError):
    """A server from an earlier start does not end; nothing was started beside it."""


class Postmaster(msgspec.Struct, frozen=True):
    """The server's own note in its data directory (PostgreSQL manual, "postmaster.pid")."""

    pid: int
    ready: bool


def read_postmaster(cluster: Path) -> Postmaster | None:
    """The note, or None where there is none (or one half written)."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return Postmaster(pid=int(lines[0]), ready=len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, ValueError, IndexError):
        return None


def end_leftover(cluster: Path, timeout: float = 60.0) -> None:
    """Stop a server that a killed supervisor left behind, and remove a note whose pid now belongs to a stranger."""
    note = read_postmaster(cluster)
    if note is None:
        return
    if not _works_in(note.pid, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    for number in (signal.SIGINT, signal.SIGQUIT):
        if _end(note.pid, cluster, number, timeout):
            return
    raise StillRunning(f"PostgreSQL (process {note.pid}) still runs on {cluster} and does not end")


def _end(pid: int, cluster: Path, number: signal.Signals, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return True
    while _works_in(pid, cluster):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _works_in(pid: int, cluster: Path) -> bool:
    """Whether the process is this directory's server: it works in it. Without /proc: whether it lives."""
    try:
        if Path("/proc/self").exists():
            return Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
        os.kill(pid, 0)
    except OSError:
        return False
    return True
