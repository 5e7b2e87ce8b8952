"""What every test shares: the components it needs, and an honest last word about those that were not there."""

import gc
from typing import Any

import hypothesis
import pytest

from tests.support.components import learn_of_missing, missing, not_tested, require
from tests.support.connections import name_openers
from tests.support.parsing import parse_one_at_a_time
from tests.support.spreading import Spreading, processes, put_in_order
from tests.support.watchdog import watch

# No test measures time: what is derived from the profile in force (in CI: Hypothesis's own) has no deadline.
hypothesis.settings.register_profile("patient", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("patient")

_LINES_OF_A_FAILURE = 25

name_openers()
parse_one_at_a_time()

pytest_plugins = ["tests.support.postgres"]


def pytest_configure(config: pytest.Config) -> None:
    """No run hangs unseen."""
    watch(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("nginx")`: skip, or in CI fail, where the component is missing."""
    for marker in item.iter_markers("needs"):
        require(*marker.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run in several processes, what takes long comes first."""
    if hasattr(config, "workerinput"):
        put_in_order(items)


def pytest_collection_finish() -> None:
    """Thousands of tests are known from now on, to the end: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `--numprocesses auto`."""
    return processes()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spreading | None:
    """For `--dist loadscope`, units of our own; whoever asks for another distribution gets that one."""
    return Spreading(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests run in several processes, each tells the one that reports what it missed."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["missing"] = missing()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What one of the processes missed; one that crashed has nothing to tell."""
    learn_of_missing(getattr(node, "workeroutput", {}).get("missing", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what passed at the second attempt only, and what could not be tested on this machine."""
    if again := terminalreporter.stats.get("rerun", []):
        terminalreporter.section("failed at first: a race, here or in the product, to be found (docs/adr/0018)")
        for report in sorted(again, key=lambda report: str(report.nodeid)):
            terminalreporter.line(report.nodeid)
            for line in report.longreprtext.splitlines()[-_LINES_OF_A_FAILURE:]:
                terminalreporter.line(f"    {line}")
    if lines := not_tested():
        terminalreporter.section("not tested here, because it is not installed")
        for line in lines:
            terminalreporter.line(line)
