"""The command line as a program of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.postgres import Pg

ROOT = Path(__file__).resolve().parents[3]


class Shell:
    """`certferry` with settings of its own."""

    def __init__(self, directory: Path, pg: Pg) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CERTFERRY_")},
            "CERTFERRY_DATA": str(directory / "data"),
            "CERTFERRY_DATABASE__DSN": pg.app_dsn,
            "CERTFERRY_DATABASE__OWNER_DSN": pg.owner_dsn,
            "CERTFERRY_SEALING__DSN": pg.sealer_dsn,
            "CERTFERRY_SEALING__KEYS": str(directory / "seal"),
        }
        self._directory = directory

    def run(self, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """One command, however it ends."""
        return subprocess.run(
            [sys.executable, "-P", "-c", "from api.cli import main; main()", *arguments],
            cwd=self._directory,
            env={**self.environment, "PYTHONPATH": str(ROOT), **changes},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, *arguments: str, **changes: str) -> "subprocess.Popen[bytes]":
        """A process that runs on; what it says goes to `said` in the directory."""
        with (self._directory / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-P", "-c", "from api.cli import main; main()", *arguments],
                cwd=self._directory,
                env={**self.environment, "PYTHONPATH": str(ROOT), **changes},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def json(self, *arguments: str) -> Any:
        """The answer of a command that works."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
