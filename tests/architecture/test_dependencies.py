"""The product imports what it declares, and nothing that is here only for the tests."""

import sys
import tomllib
from importlib.metadata import packages_distributions

import grimp
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOMS, ROOT


def declared() -> set[str]:
    """The names in pyproject.toml, extras of ours too; an extra `pool` of `psycopg` declares `psycopg-pool` too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = [Requirement(line) for line in (*project["dependencies"], *extras)]
    return {canonicalize_name(name) for r in wanted for name in (r.name, *(f"{r.name}-{extra}" for extra in r.extras))}


def imported() -> dict[str, set[str]]:
    """Every foreign top-level module that a room imports, and by which modules of ours."""
    graph = grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)
    foreign = {name for name in graph.modules if name.split(".")[0] not in {*ROOMS, *sys.stdlib_module_names}}
    return {name: graph.find_modules_that_directly_import(name) for name in foreign}


def test_every_import_is_of_a_declared_dependency() -> None:
    """What is installed by `requirements.lock` alone is enough, and no transitive package is relied upon."""
    sources = packages_distributions()
    known = declared()
    unknown = {
        module: sorted(importers)
        for module, importers in imported().items()
        if not known & {canonicalize_name(name) for name in sources.get(module, [])}
    }
    assert {} == unknown
