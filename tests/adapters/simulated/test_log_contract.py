"""The in-memory twin keeps the contract of the Log."""

import pytest

from adapters.simulated.log import SimulatedLog
from tests.contracts.log_contract import LogContract


@pytest.fixture
def log() -> SimulatedLog:
    return SimulatedLog()


class TestSimulatedLog(LogContract):
    """In memory."""
