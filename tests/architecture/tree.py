"""The files of the project, as people get them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "application", "projections", "adapters", "api", "bridge")


def files_of_room(room: str) -> Iterator[Path]:
    """Every file below a room, relative to the root; byte code is no part of the project."""
    for path in sorted((ROOT / room).rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT)


def committed_files() -> list[Path]:
    """Every file under version control, relative to the root. Outside a clone: every file of the rooms."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return [path for room in ROOMS for path in files_of_room(room)]
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
