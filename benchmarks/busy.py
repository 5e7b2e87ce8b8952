"""How long a GET takes while the service makes RSA-4096 keys, against how long it takes when nothing else is going on.

    python -m benchmarks.busy [--seconds 6] [--rounds 5] [--json FILE]

API and worker are the real ones, each a process of its own; while one half of every round is measured, orders for
RSA-4096 keys are waiting all the time. Target: p99 at most twice that of the idle service.
"""

import argparse
import contextlib
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from adapters.postgres.embedded import EmbeddedPostgres
from benchmarks.as_of import Service, certferry, serving
from benchmarks.startup import environment_of
from benchmarks.support import results
from benchmarks.support.rounds import Ratio, percentile

_WAITING = 4
"""Orders that wait while one key is made."""
_API = "/api/v1"
_PATIENCE_SECONDS = 120.0


def waits(service: Service, path: str, seconds: float) -> float:
    """The p99 of GETs, one after the other for so long, in milliseconds."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        service.get(path)
        took.append(1000 * (time.perf_counter() - started))
    return percentile(took, 0.99)


class Ordering(threading.Thread):
    """Keeps orders for RSA-4096 keys waiting until it is told to stop; `made`: certificates that came of it."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._orders = Orders(port, token)
        self._enough = threading.Event()
        self.made = 0

    def run(self) -> None:
        """Until `stop`."""
        waiting: list[str] = []
        while not self._enough.wait(0.3):
            waiting += [self._orders.submit("rsa-4096") for _ in range(_WAITING - len(waiting))]
            done = [each for each in waiting if self._orders.certificate(each)]
            self.made += len(done)
            waiting = [each for each in waiting if each not in done]

    def stop(self) -> None:
        """Returns when it has ended."""
        self._enough.set()
        self.join()


class Orders:
    """Somebody who orders certificates."""

    def __init__(self, port: int, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)

    def submit(self, key_algorithm: str) -> str:
        """The id of a new order."""
        name = f"{uuid.uuid4().hex}.example.org"
        wish = {"mode": "automated", "provider": "local_pki", "common_name": name, "subject_alternative_names": [name]}
        body = json.dumps({**wish, "key_algorithm": key_algorithm, "validity_days": 90, "usage": "server"})
        return str(self._ask("POST", "/orders", body)["id"])

    def certificate(self, order_id: str) -> str | None:
        """The id of its certificate, None as long as there is none."""
        with contextlib.suppress(KeyError):  # not to be read yet
            return self._ask("GET", f"/orders/{order_id}")["certificate_id"]
        return None

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, str]:
        self._connection.request(method, _API + path, body, self._headers)
        found: dict[str, str] = json.loads(self._connection.getresponse().read())
        return found


@contextlib.contextmanager
def installation() -> Iterator[tuple[Service, str, str]]:
    """A service, the path of a certificate, and a requester's token."""
    with tempfile.TemporaryDirectory() as home, EmbeddedPostgres(Path(home) / "pg") as server:
        environment = environment_of(server, Path(home))
        certferry(environment, "migrate")
        made = certferry(environment, "tokens", "create", "requester", "--role", "requester", "--json")
        token = json.loads(made)["token"]
        with serving({**os.environ, **environment}) as service:
            orders = Orders(service.port, token)
            order = orders.submit("ec-256")
            end = time.monotonic() + _PATIENCE_SECONDS
            while (certificate := orders.certificate(order)) is None:
                assert time.monotonic() < end
                time.sleep(0.1)
            yield service, f"{_API}/certificates/{certificate}", token


def measure(seconds: float, rounds: int) -> list[dict[str, float]]:
    """Idle and busy p99 of every round, and the keys that were made meanwhile."""
    done = []
    with installation() as (service, path, token):
        waits(service, path, seconds)
        for _ in range(rounds):
            idle = waits(service, path, seconds)
            ordering = Ordering(service.port, token)
            ordering.start()
            time.sleep(1.0)
            busy = waits(service, path, seconds)
            ordering.stop()
            done.append({"idle": idle, "busy": busy, "made": ordering.made})
            time.sleep(3.0)  # what still waits is made
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    done = measure(given.seconds, given.rounds)
    ratios = [each["busy"] / each["idle"] for each in done]
    rows = [[f"{each['idle']:.1f}", f"{each['busy']:.1f}", each["made"]] for each in done]
    print(results.table(["idle p99, ms", "busy p99, ms", "RSA-4096 certificates meanwhile"], rows))
    print(f"\nbusy/idle: {Ratio(statistics.median(ratios), min(ratios), max(ratios))}")
    results.write(given.json, "busy", {"rounds": done})


if __name__ == "__main__":
    main()
