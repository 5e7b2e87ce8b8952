"""A process of tests that tells nothing for too long is shown and ended, so that no run waits for it for ever.

A test that hangs is ended by pytest-timeout, from a thread of the same process. Where that process is stopped, or C
code keeps the interpreter's lock, no thread of it runs: somebody else has to look. What each of its processes is doing,
and the stacks of its threads, are printed; then it is killed, and its test counts as crashed.
"""

import contextlib
import faulthandler
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SILENCE_SECONDS = float(os.environ.get("CERTFERRY_TEST_SILENCE", "480"))
"""Until a process is ended. A test, with all that it sets up and takes down, is ended after 300 by pytest-timeout."""

_NOTICE_SECONDS = SILENCE_SECONDS / 8
"""Until it must have been noticed that a process is gone."""

_DIRECTORY = "stacks"
_GAVE_UP = 70


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


class Watchdog:
    """In the process that hands out the tests: a thread that looks at the others."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._directory = tempfile.TemporaryDirectory(prefix="certferry-stacks-")
        self._heard: dict[str, float] = {}
        self._down: set[str] = set()
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

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Something was heard."""
        node = getattr(report, "node", None)
        if node is not None and node.gateway.id in self._heard:
            self._heard[node.gateway.id] = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """It is done, or has crashed."""
        self._heard.pop(node.gateway.id, None)
        self._down.add(node.gateway.id)

    def pytest_unconfigure(self) -> None:
        """Nobody is left."""
        self._over.set()
        self._thread.join(5)
        self._directory.cleanup()

    def _watch(self) -> None:
        while not self._over.wait(min(5.0, SILENCE_SECONDS / 4)):
            late = time.monotonic() - SILENCE_SECONDS
            for name in [name for name, heard in self._heard.items() if heard < late]:
                self._heard.pop(name, None)
                self._end(name)
                if not self._over.wait(_NOTICE_SECONDS) and name not in self._down:
                    self._end_the_run()

    def _end(self, name: str) -> None:
        for file in Path(self._directory.name).glob(f"{name}-*"):
            pid = int(file.name.rpartition("-")[2])
            lines = [f"{each.state} {each.pid} {each.waits_in} {each.command}" for each in _family(pid)]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR1)
                os.kill(pid, signal.SIGCONT)  # a stopped process does nothing, not even that
                time.sleep(1)
            try:
                self._tell(f"{name} told nothing for {SILENCE_SECONDS:.0f} s and is ended", lines, file)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _end_the_run(self) -> None:
        """Nobody noticed that a process is gone: this one hangs itself."""
        with Path(self._directory.name, "own").open("w") as file:
            faulthandler.dump_traceback(file, all_threads=True)
        self._tell("nobody noticed: the run is ended", (), Path(file.name))
        os._exit(_GAVE_UP)

    def _tell(self, title: str, lines: Sequence[str], stacks: Path) -> None:
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        reporter.section(title, sep="+")
        for line in (*lines, *stacks.read_text().splitlines()):
            reporter.line(line)
        reporter.flush()


def watch(config: pytest.Config) -> None:
    """Call it when pytest is configured, in every process."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        file = Path(given[_DIRECTORY], f"{given['workerid']}-{os.getpid()}").open("w")  # noqa: SIM115 - to the end
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)
    elif config.getoption("numprocesses", None):
        config.pluginmanager.register(Watchdog(config), "watchdog")
