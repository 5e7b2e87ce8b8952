"""How much memory a new cluster keeps what it has read in, unless its `postgresql.conf` says otherwise later."""

import os
from pathlib import Path

_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_MEGABYTE = 1 << 20
_SHARE = 8
_LEAST, _MOST = 128, 2048  # PostgreSQL's own default; what lists of a million certificates fill, now and past


def shared_buffers() -> int:
    """Megabytes: an eighth of the memory there is, for the machine or its control group. Touched only when needed."""
    return sized(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), _limit())


def sized(machine: int, limit: int | None) -> int:
    """The same for a machine and a limit of so many bytes."""
    memory = min(machine, limit) if limit else machine
    return min(max(memory // _SHARE // _MEGABYTE, _LEAST), _MOST)


def _limit() -> int | None:
    try:
        return int(_GROUP_LIMIT.read_text())
    except (OSError, ValueError):  # no group, or "max"
        return None
