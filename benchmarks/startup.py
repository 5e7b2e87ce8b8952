"""How soon `certferry serve` answers: from the start of the process to its first 200, in seconds.

    python -m benchmarks.startup [--rounds 10] [--json FILE]

Beside it, in turns: the interpreter alone, and the interpreter importing the web framework and the database driver that
the service stands on. The bytecode is compiled before; the database runs and is migrated.
"""

import argparse
import compileall
import http.client
import os
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from adapters.postgres.embedded import EmbeddedPostgres
from benchmarks.support import results

Start = Callable[[], float]
CERTFERRY = (sys.executable, "-c", "from api.cli import main; main()")
CHECKOUT = Path(__file__).parent.parent
ROOMS = ("adapters", "api", "application", "bridge", "domain", "projections")
_IMPORTS = "import litestar, litestar.openapi, psycopg, psycopg_pool, uvicorn, cryptography.x509, msgspec, jinja2"


def compile_everything() -> None:
    """The libraries and the checkout, where Python would not do it by itself (PYTHONDONTWRITEBYTECODE), too."""
    for folder in (Path(sysconfig.get_path("purelib")), *(CHECKOUT / room for room in ROOMS)):
        compileall.compile_dir(folder, quiet=2)


def interpreter(code: str) -> float:
    """Seconds that a program takes from start to end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def serving(environment: dict[str, str]) -> float:
    """Seconds to the first 200 of `/livez`."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen([*CERTFERRY, "serve", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise RuntimeError(f"certferry serve ended with {process.returncode}")
            time.sleep(0.002)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def environment_of(server: EmbeddedPostgres, directory: Path) -> dict[str, str]:
    """Settings of a service on a server, as its operator would give them."""
    return {
        **os.environ,
        "CERTFERRY_DATABASE__DSN": server.dsn("certferry_app"),
        "CERTFERRY_DATABASE__OWNER_DSN": server.dsn("certferry_owner"),
        "CERTFERRY_DATA": str(directory / "data"),
        "CERTFERRY_BRIDGES__PORT": "0",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    compile_everything()
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory) / "pg") as server:
        environment = environment_of(server, Path(directory))
        subprocess.run([*CERTFERRY, "migrate"], env=environment, check=True, capture_output=True)
        contestants: dict[str, Start] = {
            "interpreter": lambda: interpreter("pass"),
            "its libraries": lambda: interpreter(_IMPORTS),
            "certferry serve": lambda: serving(environment),
        }
        for number in range(arguments.rounds + 1):
            for name, start in contestants.items():
                seconds = start()
                if number:  # the first round warms up
                    found.setdefault(name, []).append(seconds)
    optimised = "with" if "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "") else "without"
    print(f"Python {sys.version.split()[0]} {optimised} PGO\n")
    rows = [[n, *(f"{pick(s):.2f}" for pick in (min, statistics.median, max))] for n, s in found.items()]
    print(results.table(["first answer after s", "least", "median", "most"], rows))
    results.write(arguments.json, "startup", {"rounds": found})


if __name__ == "__main__":
    main()
