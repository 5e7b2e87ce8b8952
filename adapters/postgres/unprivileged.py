"""Who runs the embedded server: ourselves, or, as PostgreSQL refuses uid 0, an unprivileged user."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

_CANDIDATES = ("certferry", "postgres", "nobody")


class NoUnprivilegedUser(RuntimeError):
    """Started as root on a machine without a user that PostgreSQL could run as. Create one: `useradd -r certferry`."""


class Runner(msgspec.Struct, frozen=True):
    """The user that PostgreSQL runs as. `dropped` when that is not ourselves."""

    uid: int
    gid: int
    dropped: bool

    def process(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this user, with a clean environment."""
        identity = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}
        return {"cwd": "/", "env": environment, **identity}

    @contextmanager
    def reaching(self, directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        """A name under which a program of this user reaches `directory`, and the arguments to start it with.

        The user may be unable to walk there (a 0700 home above it), so the program inherits the open directory. Its
        working directory would not do: PostgreSQL 15 leaves it while looking for itself and cannot come back.
        """
        if not self.dropped:
            yield str(directory), self.process()
            return
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", {**self.process(), "pass_fds": (descriptor,)}
        finally:
            os.close(descriptor)

    def own(self, path: Path) -> None:
        """Hand a file or directory that we made to this user."""
        if self.dropped:
            os.chown(path, self.uid, self.gid)

    def can_search(self, directory: Path) -> bool:
        """Whether the user may walk down to `directory` and into it."""
        resolved = directory.resolve()
        return all(self._allowed(path, 0o1) for path in (resolved, *resolved.parents))

    def can_read(self, directory: Path) -> bool:
        """Whether the user may walk down to `directory` and list it."""
        return self.can_search(directory) and self._allowed(directory.resolve(), 0o5)

    def _allowed(self, path: Path, bits: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & bits == bits


def runner_for(data_dir: Path) -> Runner:
    """Ourselves; for root the owner of existing data, else the first of a few users every machine has."""
    if os.geteuid() != 0:
        return Runner(uid=os.geteuid(), gid=os.getegid(), dropped=False)
    if data_dir.exists() and (status := data_dir.stat()).st_uid != 0:
        return Runner(uid=status.st_uid, gid=status.st_gid, dropped=True)
    return _first_existing()


def _first_existing() -> Runner:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Runner(uid=entry.pw_uid, gid=entry.pw_gid, dropped=True)
    raise NoUnprivilegedUser("PostgreSQL does not run as root and no user of " + ", ".join(_CANDIDATES) + " exists")
