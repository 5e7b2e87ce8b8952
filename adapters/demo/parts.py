"""The demo's processes: started, started again when they crash, and all ended together.

A part that is killed or fails begins again. One that ends by itself or by SIGTERM was meant to stop, and stays so (like
systemd's Restart=on-failure). Every part gets SIGTERM from the kernel when the demo dies, however; what is left over
all the same is ended at the next start.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from adapters.demo.place import write_private

_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_MEANT = (0, -signal.SIGTERM, -signal.SIGINT)
Say = Callable[[str], None]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One process: its command, its environment, and the listening sockets it inherits."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    sockets: tuple[int, ...] = ()


class Parts:
    """The running parts. `changed` is called with no arguments whenever a process id changes."""

    def __init__(self, logs: Path, notes: Path, say: Say, changed: Callable[[], None]) -> None:
        """`notes`: where process ids are noted for the next start."""
        self._logs = logs
        self._notes = notes
        self._say = say
        self._changed = changed
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Running processes by name."""
        return {name: process.pid for name, process in self._processes.items() if process.returncode is None}

    async def start(self, part: Part) -> None:
        """Start a part and watch over it."""
        await self._spawn(part)
        self._watchers[part.name] = asyncio.create_task(self._watch(part), name=f"watch {part.name}")

    async def end(self, name: str, patience: float = 8.0) -> bool:
        """End one part; False when it was not running."""
        watcher = self._watchers.pop(name, None)
        if watcher is None or watcher.done():
            return False
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
        await _end(self._processes[name], patience)
        return True

    async def stop(self, patience: float = 8.0) -> None:
        """End all parts: SIGTERM, and SIGKILL for those that take longer."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        await asyncio.gather(*(_end(process, patience) for process in self._processes.values()))
        self._notes.unlink(missing_ok=True)

    async def _watch(self, part: Part) -> None:
        pause = _FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            process = self._processes[part.name]
            status = await process.wait()
            _kill_group(process.pid)  # what it leaves behind would hold its ports
            if status in _MEANT:
                self._say(f"{part.name} was stopped, and stays so until the demo is started again.")
                return
            pause = _FIRST_PAUSE if asyncio.get_running_loop().time() - began > 10 else min(2 * pause, _LONGEST_PAUSE)
            self._say(f"{part.name} ended (status {status}); starting it again. Its log: {self._log(part.name)}")
            await asyncio.sleep(pause)
            await self._spawn(part)

    async def _spawn(self, part: Part) -> None:
        with self._log(part.name).open("ab") as log:
            self._processes[part.name] = await asyncio.create_subprocess_exec(
                *part.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(part.environment),
                pass_fds=part.sockets,
                preexec_fn=_end_with_parent,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which ends the parts in order
            )
        write_private(self._notes, msgspec.json.encode([(pid, began_at(pid)) for pid in self.pids.values()]))
        self._changed()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def end_leftovers(notes: Path) -> list[int]:
    """SIGKILL what an earlier demo in this directory left running; recognised by process group and start time."""
    try:
        noted = msgspec.json.decode(notes.read_bytes(), type=list[tuple[int, int | None]])
    except (FileNotFoundError, msgspec.DecodeError):
        return []
    left = [pid for pid, began in noted if began is not None and began_at(pid) in (began, None) and _kill_group(pid)]
    notes.unlink()
    return left


def _kill_group(leader: int) -> bool:
    """End a process with everything it started. A group's number is nobody else's as long as one of it lives."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def began_at(pid: int) -> int | None:
    """When a process began, in clock ticks since boot (proc(5), /proc/pid/stat field 22); None where there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


async def _end(process: asyncio.subprocess.Process, patience: float) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        async with asyncio.timeout(patience):
            await process.wait()
    except TimeoutError:
        _kill_group(process.pid)
        await process.wait()


def _end_with_parent() -> None:
    """prctl(2): SIGTERM for this process when its parent dies. Runs in the child, before the program begins."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
