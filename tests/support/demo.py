"""`certferry demo` as a process of its own, and its people as REST clients.

with running_demo(directory) as demo:
    order = demo.person("requester").post("/orders", {...})
    demo.until(lambda: ..., "what is waited for")
    demo.kill("worker")                       # kill -9; the demo starts it again
    site = demo.new_site("mine")              # another virtual host, with a certificate put there by hand
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from adapters.demo.first_certificates import lay_out
from adapters.demo.ports import free_port
from tests.support.components import require

PATIENCE_SECONDS = 90.0
_PAUSE = 0.05
Json = dict[str, Any]

_SERVER = """\
server {{
  listen {endpoint} ssl;
  server_name {name};
  ssl_certificate sites/{name}/current/fullchain.pem;
  ssl_certificate_key sites/{name}/current/privkey.pem;
  return 200 "{name}\\n";
}}
"""


class Person:
    """One of the demo's people."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=f"{base_url}/api/v1", headers=headers, timeout=60, trust_env=False)

    def get(self, path: str, **query: Any) -> Any:
        """The body of a resource."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def post(self, path: str, body: Json | None = None, *, status: int | None = None, **headers: str) -> Any:
        """The body of a command's answer; `status` says which one is expected (None: any success)."""
        answer = self.ask(path, body, **headers)
        good = answer.is_success if status is None else answer.status_code == status
        assert good, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def change(self, path: str, body: Json) -> Any:
        """A PATCH of a resource as it is now."""
        version = self.client.get(path).headers["ETag"]
        answer = self.client.patch(path, json=body, headers={"If-Match": version})
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    def ask(self, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        """A command, whatever its answer. Header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, json=body or {}, headers=named)


class Site(NamedTuple):
    """A virtual host of the demo's nginx."""

    name: str
    endpoint: str
    root: Path


class Demo:
    """A running demo."""

    def __init__(self, directory: Path, ready_file: Path, process: "subprocess.Popen[bytes]") -> None:
        self.directory = directory
        self.process = process
        self._ready_file = ready_file
        self._people: dict[str, Person] = {}

    @property
    def ready(self) -> Json:
        """The ready file as it is now."""
        found: Json = json.loads(self._ready_file.read_text())
        return found

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        found: dict[str, int] = self.ready["pids"]
        return found

    def person(self, name: str) -> Person:
        """requester, approver, implementer, operator, auditor, admin or lead."""
        if name not in self._people:
            self._people[name] = Person(self.ready["base_url"], self.ready["tokens"][name])
        return self._people[name]

    def until(self, ask: Callable[[], Any], what: str) -> Any:
        """Ask until the answer is true; calls that fail meanwhile (a part is down) count as "not yet"."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        said: Any = None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the demo has ended"
            try:
                if said := ask():
                    return said
            except (AssertionError, httpx.HTTPError, OSError, ValueError) as error:
                said = error
            time.sleep(_PAUSE)
        raise AssertionError(f"waited in vain for {what}; last: {said}")

    def kill(self, part: str) -> None:
        """kill -9 a part, and wait until the demo has started it again."""
        before = self.pids[part]
        os.kill(before, signal.SIGKILL)
        self.until(lambda: self.pids.get(part, before) != before, f"{part} to be started again")

    @contextlib.contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """In this block a part is stopped in its tracks (SIGSTOP)."""
        pid = self.pids[part]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def new_site(self, name: str) -> Site:
        """Another virtual host with a certificate of its own, put there by hand."""
        address = self.ready["spare_endpoint"].rpartition(":")[0]
        endpoint = f"{address}:{free_port(address)}"
        nginx = self.directory / "nginx"
        lay_out(nginx / "sites" / name, f"{name}.example.com")
        (nginx / "conf.d" / f"{name}.conf").write_text(_SERVER.format(endpoint=endpoint, name=name))
        self.reload_nginx()
        self.until(lambda: served(endpoint), f"nginx to serve {endpoint}")
        return Site(name, endpoint, nginx / "sites" / name)

    def reload_nginx(self) -> None:
        """What `nginx -s reload` does."""
        os.kill(self.pids["nginx"], signal.SIGHUP)

    def log(self, part: str) -> str:
        """What a part has logged."""
        return (self.directory / "logs" / f"{part}.log").read_text()

    def close(self) -> None:
        """Give the people's connections back."""
        for person in self._people.values():
            person.client.close()

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=PATIENCE_SECONDS)


@contextlib.contextmanager
def running_demo(directory: Path, *options: str) -> Iterator[Demo]:
    """A started demo, stopped at the end of the block whatever happens."""
    ready_file = directory.with_name(f"{directory.name}-ready.json")
    said = directory.with_name(f"{directory.name}-said.txt")
    ready_file.unlink(missing_ok=True)  # of one that was killed
    arguments = ["--port", "0", "--no-browser", "--data", str(directory), "--ready-file", str(ready_file), *options]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from api.cli import main; main()", "demo", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    try:
        _wait_ready(process, ready_file, said)
        demo = Demo(directory, ready_file, process)
        try:
            yield demo
        finally:
            demo.close()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=PATIENCE_SECONDS)


def _wait_ready(process: "subprocess.Popen[bytes]", ready_file: Path, said: Path) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while not ready_file.exists():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(_PAUSE)


def served(endpoint: str, name: str = "", *, trusted: Path | None = None) -> str:
    """SHA-256 (hex) of the leaf that `openssl s_client` is shown; "" where there is none.

    With `trusted`, OpenSSL must also find a path from it to this CA, and the name in it.
    """
    openssl = str(require("openssl"))
    checks = ["-verify_return_error", "-CAfile", str(trusted), "-verify_hostname", name] if trusted else []
    shown = subprocess.run(
        [openssl, "s_client", "-connect", endpoint, *(["-servername", name] if name else ["-noservername"]), *checks],
        input=b"",
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    if shown.returncode != 0:
        return ""
    digest = subprocess.run(
        [openssl, "x509", "-noout", "-fingerprint", "-sha256"], input=shown.stdout, capture_output=True, check=False
    )
    return digest.stdout.decode().partition("=")[2].strip().replace(":", "").lower()
