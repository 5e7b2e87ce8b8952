"""What every test shares: the components it needs, and an honest last word about those that were not there."""

import pytest

from tests.support.components import not_tested, require

pytest_plugins = ["tests.support.postgres"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("nginx")`: skip, or in CI fail, where the component is missing."""
    for marker in item.iter_markers("needs"):
        require(*marker.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what could not be tested on this machine."""
    if lines := not_tested():
        terminalreporter.section("not tested here, because it is not installed")
        for line in lines:
            terminalreporter.line(line)
