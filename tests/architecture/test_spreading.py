"""How tests are spread over processes."""

import pytest

from tests.architecture.tree import ROOT
from tests.support.spreading import BY_PARAMETER, FIRST, TOGETHER, rank, unit


@pytest.mark.parametrize("directory", TOGETHER)
def test_files_that_share_a_demo_go_together(directory: str) -> None:
    """One demo serves them all, in one process."""
    assert 'scope="package"' in (ROOT / directory / "conftest.py").read_text()
    files = [f"{directory}{path.name}" for path in (ROOT / directory).glob("test_*.py")]
    assert len(files) > 1
    assert {directory} == {unit(f"{file}::test_it[a-b]") for file in files}


def test_other_files_are_units() -> None:
    assert "tests/domain/test_colour.py" == unit("tests/domain/test_colour.py::test_it[a-b]")
    assert "tests/domain/test_colour.py" == unit("tests/domain/test_colour.py::TestThem::test_it")


def test_what_starts_servers_by_parameter_is_shared_out_by_it() -> None:
    """Every kind of server for itself; what has no parameter stays with its file."""
    for file in BY_PARAMETER:
        assert (ROOT / file).exists()
        assert f"{file}[Dovecot]" == unit(f"{file}::test_it[Dovecot-ssh]") == unit(f"{file}::test_other[Dovecot-local]")
        assert file == unit(f"{file}::test_it")


def test_what_takes_long_comes_first() -> None:
    """Every place of the order is there."""
    assert all((ROOT / place).exists() for place in FIRST)
    assert (
        0 == rank(f"{FIRST[0]}::test_it") < rank("tests/api/test_lists.py::test_it") < rank("tests/domain/test_it.py")
    )
