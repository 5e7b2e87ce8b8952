"""The in-memory twin keeps the contract of the Log."""

import asyncio
from typing import Any

import pytest
from hypothesis import given

from adapters.simulated.log import SimulatedLog
from tests.contracts.log_contract import LogContract
from tests.contracts.log_model import drawn_batches, play


@pytest.fixture
def log() -> SimulatedLog:
    return SimulatedLog()


class TestSimulatedLog(LogContract):
    """In memory."""


@given(drawn_batches)
def test_any_batches_equal_the_sequential_model(drawn: list[Any]) -> None:
    """Outcomes, positions and versions of random batches are those of the commands one by one, in order."""
    asyncio.run(play(SimulatedLog(), drawn))
