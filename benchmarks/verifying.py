"""Looking at what endpoints serve: the sweep beside Go's crypto/tls and asyncio, on loopback, with ECDSA servers.

    python -m benchmarks.verifying [--endpoints 5000] [--rounds 5] [--estate 100000] [--json FILE]

In endpoints per second of the prober's own processor time (that is: per core). `sweeping` is what verification runs
use, from the text of an endpoint to the observation; it proves that the server holds the key, and does not end the
handshake. `whole`: the prober that does. One nginx serves all of 127/8, TLS 1.2 and 1.3, P-256, a chain of two; on
another port TLS 1.3 alone (`1.3 only`), which a sweep learns from an alert.
`--estate`: so many endpoints once, with the memory after each ten thousand. Targets: sweeping at least twice Go;
100,000 endpoints in less than 60 seconds; memory flat; with TLS 1.3 alone at most 0.35 of asyncio's time. Go
(`golang-go`) is `absent` where it is not installed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.support import results
from benchmarks.support.probing import AT_ONCE
from benchmarks.support.rounds import Contestant, Measure, as_json, interleave, median, ratio
from tests.bridge.pki import Authority
from tests.support.components import COMPONENTS
from tests.support.services.base import free_port
from tests.support.waiting import wait_until

_SOURCE = Path(__file__).with_name("support") / "prober.go"
_NGINX = """\
daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; ssl_session_cache off; ssl_session_tickets off; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem;
  server {{ listen {1} ssl backlog=4096; }}
  server {{ listen {2} ssl backlog=4096; ssl_protocols TLSv1.3; }}
}}
"""
NEWER = ", 1.3 only"


def serve(directory: Path) -> tuple["subprocess.Popen[bytes]", int, int]:
    """A running nginx, its port for both versions, and the one for TLS 1.3 alone."""
    leaf, port, newer = Authority.create("Benchmark CA").server("a.test"), free_port(), free_port()
    (directory / "chain.pem").write_text(leaf.fullchain_pem)
    (directory / "key.pem").write_text(leaf.key_pem)
    (directory / "nginx.conf").write_text(_NGINX.format(directory, port, newer))
    program = COMPONENTS["nginx"].find()
    assert program, "nginx is needed"
    process = subprocess.Popen([program, "-c", directory / "nginx.conf"])
    wait_until((directory / "pid").exists, 30)
    return process, port, newer


class Prober:
    """One way to look; the addresses of one run are not those of the next, whose connections linger."""

    def __init__(self, command: Sequence[str], port: int, extra: Sequence[str] = ()) -> None:
        self._command, self._port, self._extra = command, port, extra
        self._first = 0
        self.last: dict[str, Any] = {}

    def __call__(self, count: int) -> Measure:
        argv = [*self._command, str(self._first), str(count), str(self._port), *self._extra]
        told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        self.last = json.loads(told)
        assert self.last["seen"] == count, f"{argv}: {told}"
        self._first = (self._first + count) % 1_000_000
        return Measure(count / self.last["processor"])


def probers(directory: Path, port: int, newer: int) -> dict[str, Prober]:
    """Ours, and the peers that are here."""
    python = [sys.executable, "-m", "benchmarks.support.probing"]
    ours = ("sweeping", "whole", "asyncio")
    found = {name: Prober([*python, name], port) for name in ours}
    found |= {name + NEWER: Prober([*python, name], newer) for name in ours}
    go = shutil.which("go")
    if go:
        program = directory / "prober"
        subprocess.run([go, "build", "-o", program, _SOURCE], check=True)
        found |= {f"go {version}": Prober([str(program)], port, [version]) for version in ("1.3", "1.2")}
        found["go" + NEWER] = Prober([str(program)], newer, ["1.3"])
    return found


def _table(rounds: list[dict[str, Measure]], names: Sequence[str]) -> list[list[object]]:
    rows: list[list[object]] = []
    for name in names:
        found = median(rounds, name)
        if found is None:
            rows.append([name, "absent", "", ""])
            continue
        ours = "sweeping" + NEWER if name.endswith(NEWER) else "sweeping"
        rows.append([name, f"{found.per_second:,.0f}", f"{1e6 / found.per_second:.0f}", str(ratio(rounds, ours, name))])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--estate", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="certferry-verifying-") as name:
        process, port, newer = serve(Path(name))
        try:
            run = probers(Path(name), port, newer)
            contestants: dict[str, Contestant] = {each: partial(run[each], chosen.endpoints) for each in run}
            rounds = interleave(contestants, chosen.rounds) if chosen.rounds else []
            if chosen.estate:
                run["sweeping"](chosen.estate)
        finally:
            process.terminate()
            process.wait()
    if rounds:
        head = ["prober", "per core-second", "us each", "sweeping/it"]
        print(results.table(head, _table(rounds, [*run, *(["go 1.3"] if "go 1.3" not in run else [])])))
    estate = run["sweeping"].last if chosen.estate else None
    if estate:
        print(f"{chosen.estate:,} endpoints in {estate['seconds']:.1f} s, {AT_ONCE} at once; MiB: {estate['resident']}")
    results.write(chosen.json, "verifying", {"rounds": as_json(rounds), "estate": estate})


if __name__ == "__main__":
    main()
