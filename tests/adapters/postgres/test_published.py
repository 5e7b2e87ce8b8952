"""PostgreSQL's programs for a user who cannot read ours."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres import published
from adapters.postgres.binaries import Binaries, NoPostgres, find_binaries
from adapters.postgres.published import NoPlaceForBinaries, readable_by
from adapters.postgres.unprivileged import Runner, runner_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")


@pytest.fixture
def hidden(tmp_path: Path) -> Binaries:
    """The programs under a 0700 home, as in a virtual environment of root's."""
    found = find_binaries()
    first = found.root / found.bin.relative_to(found.root).parts[0]
    for part in (first, first.with_name(first.name + ".libs")):
        if part.exists():
            shutil.copytree(part, tmp_path / part.name, symlinks=True)
    tmp_path.chmod(0o700)
    return Binaries(bin=tmp_path / found.bin.relative_to(found.root), root=tmp_path, version=found.version)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(dir="/var/cache"))
    directory.chmod(0o755)
    monkeypatch.setattr(published, "_PLACES", (directory,))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return runner_for(tmp_path / "no data yet")


def test_a_copy_that_runs(hidden: Binaries, place: Path, runner: Runner) -> None:
    """The unprivileged user cannot run the hidden programs, but can run the copy."""
    with pytest.raises(PermissionError):
        subprocess.run([hidden.program("postgres"), "--version"], check=True, **runner.process())
    copy = readable_by(runner, hidden)
    said = subprocess.check_output([copy.program("postgres"), "--version"], text=True, **runner.process())
    assert copy.version in said


def test_a_copy_is_made_once(hidden: Binaries, place: Path, runner: Runner) -> None:
    """Other content gets another place, the same content the same."""
    first, second = readable_by(runner, hidden), readable_by(runner, hidden)
    assert first == second
    with (hidden.bin / "psql").open("ab") as program:
        program.write(b"\0")
    assert readable_by(runner, hidden).bin != first.bin
    assert len(list(place.iterdir())) == 2


def test_nobody_else_can_change_the_copy(hidden: Binaries, place: Path, runner: Runner) -> None:
    """Everything belongs to root, writable by root alone; a copy that was opened is refused."""
    copy = readable_by(runner, hidden)
    assert not [path for path in copy.root.rglob("*") if path.lstat().st_uid or path.stat().st_mode & 0o022]
    (copy.bin / "postgres").chmod(0o777)
    with pytest.raises(NoPlaceForBinaries, match="postgres can be changed"):
        readable_by(runner, hidden)


def test_a_place_that_others_can_write_is_no_place(hidden: Binaries, place: Path, runner: Runner) -> None:
    """A world-writable directory is passed over."""
    place.chmod(0o777)
    with pytest.raises(NoPlaceForBinaries, match="open to others"):
        readable_by(runner, hidden)


def test_readable_programs_are_not_copied(place: Path, runner: Runner) -> None:
    """Programs that the user can read stay where they are."""
    system = Binaries(bin=Path("/usr/bin"), root=Path("/usr"), version="0")
    assert readable_by(runner, system) is system


def test_no_programs_of_that_version() -> None:
    """The message says what was looked for, what is there and what to install."""
    with pytest.raises(NoPostgres, match=r"needs PostgreSQL 9; found .*Install"):
        find_binaries(9)
