"""How much memory a replay may use before it puts things aside."""

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")
_SHARE = 8  # of what is available: others want to live, too
_ROW_BYTES = 2048  # a state in JSON, its key and instants, and a digest or two
_MOST = 2_000_000
_HELD = 40_000
_LEAST_HELD = 1_000
_PARTS = 10  # some ten read models are folded at a time, each keeps as many


def rows_in_memory(processes: int) -> int:
    """How many rows each of so many processes may keep; 0 where nobody tells how much memory there is."""
    return min(_available() // _SHARE // processes // _ROW_BYTES, _MOST)


def rows_held(most: int) -> int:
    """Of so many rows in memory, how many may be changed before they are put aside; of each read model as many stay,
    because most of them are wanted again.
    """
    return min(max(most // _PARTS, _LEAST_HELD), _HELD)


def _available() -> int:
    """Bytes that can be had without swapping, within the limit of the control group."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        machine = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return 0
    return max(min(machine, _left_in_group(machine)), 0)


def _left_in_group(otherwise: int) -> int:
    try:
        return int((_GROUP / "memory.max").read_text()) - int((_GROUP / "memory.current").read_text())
    except (OSError, ValueError):  # no group, or "max"
        return otherwise
