"""Running a piece of a test as an ordinary user, and directories that such a user can reach."""

import concurrent.futures.thread  # loaded before the fork: the child may be unable to read it
import contextlib
import os
import pickle
import shutil
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

NOBODY = 65_534
_LOADED = concurrent.futures.thread


def as_ordinary_user(action: Callable[[], T]) -> T:
    """What `action` returns, run in a forked child as nobody when the tests run as root (else right here).

    Forked, not started: the interpreter itself may lie where only root can read.
    """
    if os.getuid() != 0:
        return action()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_as_nobody(action, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    succeeded, result = pickle.loads(data)
    assert succeeded, result
    return result  # type: ignore[no-any-return]


def _run_as_nobody(action: Callable[[], object], writing: int) -> None:
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        result = pickle.dumps((True, action()))
    except BaseException:  # noqa: BLE001 # told to the parent, which raises it
        result = pickle.dumps((False, traceback.format_exc()))
    os.write(writing, result)
    os._exit(0)


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="certferry-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.contextmanager
def small_file_system(directory: Path, *options: str) -> Iterator[Path]:
    """A tmpfs mounted for the block, `options` as for mount(8). Skips where that is not allowed."""
    mount = shutil.which("mount")
    if os.getuid() != 0 or mount is None:
        pytest.skip("only root can mount a small file system to fill")
    directory.mkdir(exist_ok=True)
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)
