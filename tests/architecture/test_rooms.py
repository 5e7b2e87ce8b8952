"""Each room holds only what belongs there (docs/explanation/rooms.md)."""

from itertools import product

import grimp
import pytest

from tests.architecture.tree import ROOMS, ROOT, files_of_room

KINDS = {
    "domain": {".py"},
    "application": {".py"},
    "projections": {".py", ".sql"},
    "adapters": {".py", ".sql"},
    "api": {".py", ".html", ".css", ".js", ".svg", ".json", ".txt", ""},
    "bridge": {".py"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_holds_only_its_kinds_of_files(room: str) -> None:
    """Decisions are Python alone; SQL lies with the stores; templates and static files with the pages."""
    strangers = [path for path in files_of_room(room) if path.suffix not in KINDS[room] and path.name != "py.typed"]
    assert [] == strangers


@pytest.mark.parametrize("room", [*ROOMS, "tests"])
def test_every_folder_with_code_is_a_package(room: str) -> None:
    """A folder without `__init__.py` is found by luck only, and `tests/domain` would shadow `domain`."""
    folders = {path.parent for path in files_of_room(room) if path.suffix == ".py"}
    assert [] == [folder for folder in sorted(folders) if not (ROOT / folder / "__init__.py").exists()]


def test_a_room_may_not_take_the_name_of_a_standard_module() -> None:
    """The rooms are top-level names: none hides a module of Python itself."""
    import sys

    assert set() == set(ROOMS) & sys.stdlib_module_names


def test_projections_do_not_know_each_other() -> None:
    """What owns tables can be rebuilt or thrown away alone; a question without its own may look at others'."""
    graph = grimp.build_graph("projections", cache_dir=None)
    folders = {name for name in graph.find_children("projections") if f"{name}.view" in graph.modules}
    owners = {name for name in folders if f"{name}.projection" in graph.modules}
    assert owners
    assert [] == [
        f"{one} imports {other}"
        for one, other in sorted(product(owners, folders))
        if one != other and graph.direct_import_exists(importer=one, imported=other, as_packages=True)
    ]
