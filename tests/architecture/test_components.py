"""A test that needs a program either runs, or says by name that it could not."""

from collections.abc import Iterator

import pytest

from tests.support import components
from tests.support.components import Component, not_tested, require


@pytest.fixture(autouse=True)
def only_two_components(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here = Component("sh", "dash", "nothing")
    gone = Component("gone", "gone-package", "travelling", program="certferry-has-no-such-program")
    monkeypatch.setattr(components, "COMPONENTS", {"sh": here, "gone": gone})
    monkeypatch.setattr(components, "_missing", {})
    return iter(())


def test_a_component_that_is_here_is_found() -> None:
    """The test gets the program's path."""
    assert "sh" == require("sh").name
    assert [] == not_tested()


def test_in_ci_a_missing_component_fails_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is skipped silently where everything must be installed."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"not installed: gone \(packages: gone-package\)"):
        require("sh", "gone")


def test_elsewhere_it_is_skipped_and_listed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contributor without the program sees what was not tested."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="gone"):
        require("gone")
    assert ["gone: travelling"] == not_tested()
