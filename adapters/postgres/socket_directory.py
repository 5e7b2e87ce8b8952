"""Where the server's Unix socket lives: a 0700 directory with a short path that stays the same between starts.

A socket's path holds at most 107 bytes (unix(7)), and the unprivileged user must reach it, so it is not in the data
directory. Its name is written down beside the data.
"""

import os
import stat
import tempfile
from pathlib import Path

from adapters.postgres.unprivileged import Runner

_LONGEST = 107 - len("/.s.PGSQL.65535")


def socket_directory(home: Path, runner: Runner) -> Path:
    """The directory noted in `home`, made again where it is gone, or a new one where the note is unusable."""
    note = home / "socket_directory"
    if note.exists() and _usable(Path(note.read_text()), runner):
        return Path(note.read_text())
    made = Path(tempfile.mkdtemp(prefix="certferry-", dir=_parent(runner)))
    runner.own(made)
    temporary = note.with_suffix(".new")
    temporary.write_text(str(made))
    temporary.rename(note)
    return made


def _usable(directory: Path, runner: Runner) -> bool:
    try:
        directory.mkdir(mode=0o700)
        runner.own(directory)
    except FileExistsError:
        pass
    except OSError:
        return False
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == runner.uid and stat.S_IMODE(status.st_mode) == 0o700


def _parent(runner: Runner) -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    for place in (runtime if not runner.dropped else "/run", tempfile.gettempdir(), "/tmp"):  # noqa: S108
        if place and len(place) + len("/certferry-12345678") <= _LONGEST and _fits(Path(place), runner):
            return Path(place)
    raise RuntimeError("no directory for the database's socket: /tmp is not usable")


def _fits(place: Path, runner: Runner) -> bool:
    return place.is_dir() and os.access(place, os.W_OK) and runner.can_search(place)
