"""The in-memory vault keeps the promises of a vault."""

import pytest

from adapters.simulated.vault import MemoryVault
from tests.contracts.vault_contract import VaultContract


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


class TestMemoryVault(VaultContract):
    """All of the contract, nothing else."""
