"""A process of tests that tells nothing for too long is shown and ended, so that no run waits for it for ever.

A test that hangs is ended, with its process, by a thread of that process; what its threads and tasks wait for is
printed. Where the process is stopped, or C code keeps the interpreter's lock, no thread of it runs: somebody else has
to look. What each of its processes is doing, and the stacks of its threads, are printed; then it is killed, and its
test counts as crashed. Where even that helps nobody, because the process that hands out the tests hangs itself, its
stacks are printed and the run ends.
"""

import asyncio
import contextlib
import faulthandler
import gc
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import pytest

SILENCE_SECONDS = float(os.environ.get("CERTFERRY_TEST_SILENCE", "1260"))
"""Until a process is ended. A test, with all that it sets up and takes down, is ended after 300 by pytest-timeout; the
fuzzer, which is one test for each of its phases, after 1,200.
"""

RUN_SILENCE_SECONDS = float(os.environ.get("CERTFERRY_TEST_RUN_SILENCE", "1500"))
"""Until the run is ended, where nothing at all was told: processes that were ended have been started again by then."""

_REARM_SECONDS = RUN_SILENCE_SECONDS / 100
_DIRECTORY = "stacks"


class _Process(NamedTuple):
    """One of the machine's processes: its state (proc(5)), and where in the kernel it waits."""

    pid: int
    parent: int
    state: str
    waits_in: str
    command: str


def _processes() -> Iterator[_Process]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            waits_in = (entry / "wchan").read_text()
            yield _Process(int(entry.name), int(fields[1]), fields[0], waits_in, command[:150])


def _family(pid: int) -> list[_Process]:
    """A process and all that came of it, as far as their parents live."""
    known = list(_processes())
    found = [each for each in known if each.pid == pid]
    for each in found:
        found += [child for child in known if child.parent == each.pid]
    return found


def _lines(processes: list[_Process]) -> list[str]:
    return [f"{each.state} {each.pid} {each.waits_in} {each.command}" for each in processes]


class Watchdog:
    """In the process that hands out the tests: a thread that looks at the others."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._directory = tempfile.TemporaryDirectory(prefix="certferry-stacks-")
        self._heard: dict[str, float] = {}
        self._stderr = os.dup(2)  # tests write elsewhere, once they are captured
        self._armed = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A process is told where it puts its stacks."""
        node.workerinput[_DIRECTORY] = self._directory.name

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """From now on something is expected of it."""
        self._heard[node.gateway.id] = time.monotonic()
        self._arm()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Something was heard."""
        node = getattr(report, "node", None)
        if node is not None and node.gateway.id in self._heard:
            self._heard[node.gateway.id] = time.monotonic()
        self._arm()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """It is done, or has crashed; it may have left a word."""
        name = node.gateway.id
        self._heard.pop(name, None)
        for file in self._stacks(name) if error else ():
            self._tell(f"{name} has crashed", (), file)

    def pytest_unconfigure(self) -> None:
        """Nobody is left."""
        faulthandler.cancel_dump_traceback_later()
        os.close(self._stderr)
        self._over.set()
        self._thread.join(5)
        self._directory.cleanup()

    def _watch(self) -> None:
        while not self._over.wait(min(5.0, SILENCE_SECONDS / 4)):
            late = time.monotonic() - SILENCE_SECONDS
            for name in [name for name, heard in self._heard.items() if heard < late]:
                self._heard.pop(name, None)
                self._end(name)

    def _end(self, name: str) -> None:
        for file in self._stacks(name):
            pid = int(file.name.rpartition("-")[2])
            lines = _lines(_family(pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
                os.kill(pid, signal.SIGCONT)  # a stopped process does nothing, not even that
                time.sleep(1)
            try:
                self._tell(f"{name} told nothing for {SILENCE_SECONDS:.0f} s and is ended", lines, file)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _arm(self) -> None:
        """From now on nobody may be silent for so long: a thread of C counts, which needs no lock."""
        if (now := time.monotonic()) - self._armed >= _REARM_SECONDS:
            self._armed = now
            faulthandler.dump_traceback_later(RUN_SILENCE_SECONDS, exit=True, file=self._stderr)

    def _stacks(self, name: str) -> list[Path]:
        return list(Path(self._directory.name).glob(f"{name}-*"))

    def _tell(self, title: str, lines: Sequence[str], stacks: Path) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        reporter.section(title, sep="+")
        for line in (*lines, *stacks.read_text().splitlines()):
            reporter.line(line)
        reporter.flush()
        stacks.unlink()


def _awaited(task: "asyncio.Task[object]") -> Iterator[str]:
    """Where a task stands, from the outermost of its coroutines on."""
    coroutine: Any = task.get_coro()
    while frame := getattr(coroutine, "cr_frame", None):
        yield f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}"
        coroutine = coroutine.cr_await


class Timer:
    """In a process of tests: in the place of pytest-timeout's own, of which nobody would see what it prints there."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._running: threading.Timer | None = None

    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool:
        """From now on it may take so long."""
        self._running = threading.Timer(settings.timeout, self._end, (item.nodeid, settings.timeout))
        self._running.daemon = True
        self._running.start()
        return True

    def pytest_timeout_cancel_timer(self) -> bool:
        """It has ended in time."""
        if self._running:
            self._running.cancel()
        return True

    def _end(self, test: str, seconds: float) -> None:
        try:
            print(f"{test} took longer than {seconds:.0f} s", file=self._file)
            print(*_lines(_family(os.getpid())), sep="\n", file=self._file, flush=True)
            for task in [found for found in gc.get_objects() if isinstance(found, asyncio.Task)]:
                print(task.get_name(), "waits in", *_awaited(task), sep="\n  ", file=self._file, flush=True)
            faulthandler.dump_traceback(self._file)
        finally:
            os._exit(1)


def watch(config: pytest.Config) -> None:
    """Call it when pytest is configured, in every process."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        file = Path(given[_DIRECTORY], f"{given['workerid']}-{os.getpid()}").open("w")  # noqa: SIM115 - to the end
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)
        config.pluginmanager.register(Timer(file), "timer")
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(Watchdog(config), "watchdog")
