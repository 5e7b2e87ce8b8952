"""A directory in memory for the server that the tests of one process share.

They make and drop thousands of databases there, some thirty megabytes each: on a disk that took half as long again as
all the tests. What the server promises does not depend on the medium, and it is never the machine that fails here.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_PREFIX = "certferry-tests-"
_ENOUGH = 12 * 2**30
"""Bytes that must be free for everybody: five servers use less than half of them."""


def quick_directory() -> AbstractContextManager[Path] | None:
    """Until the block ends; None where there is no memory to spare."""
    return _directory() if _free() >= _ENOUGH else None


@contextmanager
def _directory() -> Iterator[Path]:
    for left in _IN_MEMORY.glob(f"{_PREFIX}*"):
        if not Path("/proc", left.name.split("-")[2]).exists():  # its process was killed
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=_IN_MEMORY) as directory:
        yield Path(directory)


def _free() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        return min(available, shutil.disk_usage(_IN_MEMORY).free)
    except (OSError, StopIteration):
        return 0
