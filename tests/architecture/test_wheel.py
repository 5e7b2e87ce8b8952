"""What is installed from the built wheel is the whole product, and it is ours."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOMS, ROOT, files_of_room

IMPORT_ALL = """
import importlib, json, pkgutil, sys
wheel, libraries, *rooms = sys.argv[1:]
sys.path[:0] = [wheel, libraries]
def modules(room):
    package = importlib.import_module(room)
    yield package
    for found in pkgutil.walk_packages(package.__path__, room + "."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)
print(json.dumps({m.__name__: m.__file__ for room in rooms for m in modules(room)}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel, built by the locked uv without any network."""
    target = tmp_path_factory.mktemp("wheel")
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([uv, "build", "--quiet", "--offline", "--wheel", "--out-dir", target, ROOT], check=True)
    (built,) = target.glob("*.whl")
    zipfile.ZipFile(built).extractall(target / "unpacked")
    return target / "unpacked"


@pytest.mark.parametrize("room", ROOMS)
def test_the_wheel_contains_every_file_of_a_room(wheel: Path, room: str) -> None:
    """Code, migrations, templates, styles, scripts and icons: whatever lies in the room is shipped."""
    packed = {path.relative_to(wheel) for path in (wheel / room).rglob("*") if path.is_file()}
    assert set(files_of_room(room)) == packed


def test_every_module_imports_from_the_wheel_and_from_nowhere_else(wheel: Path) -> None:
    """The rooms have plain names: what `import domain` finds must be ours, and complete without the checkout."""
    libraries = sysconfig.get_path("purelib")
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(wheel), libraries, *ROOMS]
    done = subprocess.run(command, cwd=wheel, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    files: dict[str, str] = json.loads(done.stdout)
    assert {} == {name: file for name, file in files.items() if not Path(file).is_relative_to(wheel)}


def test_the_wheel_brings_both_commands(wheel: Path) -> None:
    """`certferry` for the service and `certferry-bridge` for the hosts near the targets."""
    (entry_points,) = wheel.glob("*.dist-info/entry_points.txt")
    names = [line.split(" = ")[0] for line in entry_points.read_text().splitlines() if " = " in line]
    assert ["certferry", "certferry-bridge"] == sorted(names)
