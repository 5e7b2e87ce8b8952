"""Processor time of programs: theirs alone, whoever else uses the machine meanwhile."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """Processor time of a process and of all below it, also of those that have ended and were waited for."""
    found = _all()
    below = {pid}
    while more := {each for each, (parent, _) in found.items() if parent in below and each not in below}:
        below |= more
    return sum(found[each][1] for each in below if each in found)


def spent(pids: list[int], work: Callable[[], None]) -> float:
    """Processor time that these processes take while something is done."""
    before = sum(map(seconds_of, pids))
    work()
    return sum(map(seconds_of, pids)) - before


def _all() -> dict[int, tuple[int, float]]:
    """Parent and processor time of every process that can be seen."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            fields = path.read_text().rpartition(")")[2].split()
            found[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
    return found
