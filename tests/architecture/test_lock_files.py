"""requirements.lock is what a fresh machine installs: it must say the same as pyproject.toml."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-dev.lock": PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"],
}


def pins(lock: str) -> dict[str, str]:
    """Name to version; a package may be pinned once per platform or Python, then the first is enough here."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in reversed(found)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_within_its_bounds(lock: str) -> None:
    """After a change of pyproject.toml comes `./run lock`."""
    locked = pins(lock)
    wanted = [Requirement(line) for line in LOCKS[lock]]
    assert [] == [str(r) for r in wanted if not r.specifier.contains(locked.get(canonicalize_name(r.name), "0"))]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    """Nothing is installed that was not seen when the lock was made."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
    assert [] == [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_tests_run_on_what_is_installed_for_the_product() -> None:
    """Every package of the product has the same version in the lock of the tests."""
    product, tests = pins("requirements.lock"), pins("requirements-dev.lock")
    assert product == {name: tests.get(name) for name in product}
