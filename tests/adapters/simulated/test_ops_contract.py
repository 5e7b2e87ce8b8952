"""The in-memory twins of operations keep the contract."""

import pytest

from adapters.simulated.ops import SimulatedErrands, SimulatedLeases, SimulatedPresence, SimulatedRunResults
from tests.contracts.ops_contract import Ops, OpsContract


@pytest.fixture
def ops() -> Ops:
    leases = SimulatedLeases()
    return Ops(leases, SimulatedErrands(leases), SimulatedPresence(), SimulatedRunResults())


class TestSimulatedOps(OpsContract):
    """In memory."""
