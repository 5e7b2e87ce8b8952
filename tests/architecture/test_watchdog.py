"""A run that hangs where no timeout of its own reaches is ended, and says where it hung."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT

_CONFTEST = """
from tests.support.watchdog import watch

def pytest_configure(config):
    watch(config)
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


def test_a_stopped_process_is_ended_and_shown(tmp_path: Path) -> None:
    """Its test has crashed; the others are run."""
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_stopped.py").write_text(_STOPPED)
    command = ["-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "1", "-c", "/dev/null"]
    environment = {**os.environ, "CERTFERRY_TEST_SILENCE": "2", "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    run = subprocess.run(
        [sys.executable, *command, "."],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "gw0 told nothing for 2 s and is ended" in run.stdout, run.stdout
    assert " in test_that_stops_its_process\n" in run.stdout
    assert "\nT " in run.stdout
    assert "1 failed, 1 passed" in run.stdout
