"""How the demo's parts are called: the console scripts beside this Python, else the same by module."""

import os
import sys
from pathlib import Path

from adapters.demo.place import Place

_MODULES = {"certferry": "api.cli", "certferry-bridge": "bridge.cli"}


def command(script: str, *arguments: str) -> tuple[str, ...]:
    """A console script of ours. (-P: what lies in the working directory is not imported.)"""
    found = Path(sys.executable).with_name(script)
    if found.exists():
        return (str(found), *arguments)
    return (sys.executable, "-P", "-c", f"from {_MODULES[script]} import main; main()", *arguments)


def environment(place: Place) -> dict[str, str]:
    """Ours, but for settings of another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTFERRY_")}
    return {**kept, "CERTFERRY_CONFIG": str(place.config), "PYTHONUNBUFFERED": "1"}
