"""A bridge that dies: a program that runs real bridges in forked children and kills each at a chosen point.

Usage: python -m tests.bridge.crashing_bridge STATE CONFIG; then a line on standard input for each run. The child is
killed (SIGKILL, by itself) before an act that the world outside can see: an operation on the target, a line of the
journal, a file of its state, a report, a renewal. The line `N` means its Nth act (`0` never), any other text the first
act that begins with it. After `stop ` it is stopped there instead (SIGSTOP), which is told by `stopped ACT`.
Each end is told by a line `killed ACT` or `ended STATUS`.

The children are forked from a process without threads that has everything imported, so that a run takes a moment.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from bridge import running, state
from bridge.client import ControlPlane
from bridge.config import Config, read_config
from bridge.drivers.connecting import Hosts
from bridge.drivers.host import Host
from bridge.journal import Journal
from bridge.kinds import FilesSecrets, FilesSettings
from bridge.protocol import DISCOVERY_PATH, RENEW_PATH, RESULT_PATH

STOP = "stop "


class Point:
    """Counts acts, and kills before the chosen one after writing down which it is."""

    def __init__(self, chosen: str, told: int) -> None:
        self._signal = signal.SIGSTOP if chosen.startswith(STOP) else signal.SIGKILL
        chosen = chosen.removeprefix(STOP)
        self._left = int(chosen) if chosen.isdigit() else None
        self._prefix = chosen
        self._told = told

    def pass_by(self, act: str) -> None:
        if self._left is not None:
            self._left -= 1
        if self._left == 0 or (self._left is None and act.startswith(self._prefix)):
            os.write(self._told, act.encode())
            os.kill(os.getpid(), self._signal)
            self._prefix, self._left = "\0", None  # where it was stopped and goes on: never again


class DyingHost:
    """A real host whose every operation is an act."""

    def __init__(self, host: Host, point: Point) -> None:
        self._host = host
        self._point = point

    async def together(self, steps: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """Each of several steps is an act of its own."""
        return await self._host.together(lambda host: steps(DyingHost(host, self._point)))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation: Callable[..., Any] = getattr(self._host, name)

        def acted(*arguments: Any) -> Any:
            self._point.pass_by(f"{name} {arguments[0]}")
            return operation(*arguments)

        return acted


def dying_hosts(config: Config, point: Point) -> Any:
    hosts = Hosts(config)

    @contextlib.asynccontextmanager
    async def opened(settings: FilesSettings, secrets: FilesSecrets) -> AsyncIterator[Any]:
        async with hosts(settings, secrets) as host:
            yield DyingHost(host, point)

    return opened


def run_dying(directory: Path, config: Config, point: Point) -> None:
    """One bridge, in a child that was forked for it."""
    write, call = Journal._write, ControlPlane.call

    def written(self: Journal, line: bytes) -> None:
        point.pass_by("journal " + line[:22].decode())
        write(self, line)

    async def called(self: ControlPlane, path: str, *arguments: Any) -> Any:
        if path not in {RESULT_PATH, DISCOVERY_PATH, RENEW_PATH}:
            return await call(self, path, *arguments)
        what = "renewal" if path == RENEW_PATH else "report"
        point.pass_by(what)
        answer = await call(self, path, *arguments)
        point.pass_by(f"answer to the {what}")
        return answer

    keep(point, state)
    Journal._write = written  # type: ignore[method-assign]
    ControlPlane.call = called  # type: ignore[assignment,method-assign]
    asyncio.run(running.run(directory, config, dying_hosts(config, point)))


def keep(point: Point, files: Any) -> None:
    """What the bridge does with the files of its state directory, each an act."""
    for name in ("save", "move", "remove"):

        def acted(directory: Path, *arguments: str, act: str = name, does: Any = getattr(files, name)) -> None:
            point.pass_by(f"{act} {arguments[0]}")
            does(directory, *arguments)

        setattr(files, name, acted)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    directory, config = Path(sys.argv[1]), read_config(Path(sys.argv[2]))
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            run_dying(directory, config, Point(line.strip(), writing))
            os._exit(0)
        os.close(writing)
        tell(f"started {child}")
        act = os.read(reading, 4096).decode()
        if line.startswith(STOP) and act:
            os.waitpid(child, os.WUNTRACED)
            tell(f"stopped {act}")
        _, status = os.waitpid(child, 0)
        os.close(reading)
        tell(f"killed {act}" if os.WIFSIGNALED(status) and act else f"ended {status}")


if __name__ == "__main__":
    main()
