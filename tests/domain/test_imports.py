"""The domain decides and knows no technology: what its modules may import, named one by one."""

import ast
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).resolve().parents[2] / "domain").rglob("*.py"))

# Pure parts of the standard library, and the library of values. Import rules elsewhere say what is forbidden; this list
# says what is allowed, so that nothing new comes in unseen.
ALLOWED = {
    "base64",
    "binascii",
    "collections.abc",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "ipaddress",
    "itertools",
    "msgspec",
    "re",
    "typing",
    "unicodedata",
    "uuid",
}
NEEDS_THE_WORLD = {"now", "today", "utcnow", "uuid1", "uuid4", "getnode"}


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_domain_module_imports_only_pure_things(path: Path) -> None:
    """The domain itself, values, and pure functions."""
    found = imported(ast.parse(path.read_text(encoding="utf-8")))
    assert {name for name in found if name.split(".")[0] != "domain"} <= ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_time_and_ids_come_in_as_arguments(path: Path) -> None:
    """No clock and no randomness, by whatever name they were imported."""
    used = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
    assert set() == used & NEEDS_THE_WORLD


def test_there_is_something_to_look_at() -> None:
    """The list of modules is not empty by accident."""
    assert "work_order.py" in {path.name for path in MODULES}
