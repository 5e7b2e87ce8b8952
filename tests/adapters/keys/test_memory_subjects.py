"""Keys of subjects in memory keep the promises."""

import pytest

from adapters.simulated.subjects import MemorySubjectKeys
from tests.contracts.subjects_contract import SubjectsContract


@pytest.fixture
def keys() -> MemorySubjectKeys:
    return MemorySubjectKeys()


class TestMemorySubjects(SubjectsContract):
    """All of the contract, nothing else."""
