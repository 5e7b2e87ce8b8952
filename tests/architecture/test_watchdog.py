"""A run that hangs where no timeout of its own reaches is ended, and says where it hung."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

_CONFTEST = """
import pytest
from tests.support.spreading import Spreading
from tests.support.watchdog import watch

def pytest_configure(config):
    watch(config)

@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Spreading(config, log)
"""
_HANGS = """
import os, time

def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        time.sleep(60)
"""
_STOPPED = """
import os, signal

def test_that_stops_its_process():
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        pass

def test_that_comes_after():
    pass
"""
_AT_FIRST = """
import asyncio, os, time
from pathlib import Path

BEFORE = Path(__file__).with_name("before")

def test_that_comes_before():
    pass

def test_that_hangs_at_first():
    if not BEFORE.exists():
        BEFORE.touch()
        asyncio.run(something())

async def something():
    await asyncio.sleep(60)

def test_that_comes_after():
    pass
"""


def _run(directory: Path, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A run of the tests in a directory, in processes beside the one that hands them out: one, if no option says how
    many.
    """
    processes = options or ("--numprocesses", "1")
    command = ["-m", "pytest", "-p", "no:cacheprovider", *processes, "-c", "/dev/null", "."]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env={**ours, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_stopped_process_is_ended_and_shown(tmp_path: Path) -> None:
    """Its test has crashed; the others are run."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_stopped.py").write_text(_STOPPED)
    run = _run(tmp_path, CERTFERRY_TEST_SILENCE="2")
    assert "gw0 told nothing for 2 s and is ended" in run.stdout, run.stdout
    assert " in test_that_stops_its_process\n" in run.stdout
    assert "\nT " in run.stdout
    assert "1 failed, 1 passed" in run.stdout


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_test_that_hangs_is_ended_shown_and_tried_again(tmp_path: Path, processes: str) -> None:
    """Also when it is the last, all other processes have ended, and its own had done much before."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_zone.py").write_text(_AT_FIRST)
    for number in range(6):
        (tmp_path / f"test_{number}.py").write_text("def test_it():\n    pass\n")
    run = _run(tmp_path, "--numprocesses", processes, "--timeout", "2", "--reruns", "1", CERTFERRY_TEST_SILENCE="20")
    assert "test_zone.py::test_that_hangs_at_first took longer than 2 s" in run.stdout, run.stdout
    assert " something\n" in run.stdout
    assert " in test_that_hangs_at_first\n" in run.stdout
    assert "9 passed, 1 rerun" in run.stdout


def test_a_run_that_hangs_itself_is_ended(tmp_path: Path) -> None:
    """Whatever the tests do: the process that hands them out says where it stands."""
    (tmp_path / "conftest.py").write_text(_CONFTEST + _HANGS)
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    run = _run(tmp_path, CERTFERRY_TEST_RUN_SILENCE="2")
    assert run.returncode == 1
    assert "Timeout (0:00:02)!" in run.stderr, run.stderr
    assert " in pytest_runtest_logreport\n" in run.stderr
