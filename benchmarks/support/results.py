"""Results: a table for people, JSON for machines, with what they were measured on."""

import json
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What a figure depends on."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "python_build": "PGO" if "--enable-optimizations" in options else "no PGO",
        "load": os.getloadavg()[0],
    }


def write(path: Path | None, name: str, content: Mapping[str, Any]) -> None:
    """Write the results of a benchmark as JSON where a path was given."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"benchmark": name, "machine": machine(), **content}, indent=1) + "\n")
        print(f"written to {path}", file=sys.stderr)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headings, ["-"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
