"""A real ACME CA: Debian's pebble, with a name server that its validation asks (pebble-challtestsrv or another one).

    with running_pebble(tmp_path) as ca:
        ca.directory_url, ca.trusted_pem       # for a provider's settings
        ca.http_port                           # where pebble looks for http-01: 127.0.0.1 for every name
        ca.issued()                            # serial numbers of everything it ever issued

Half of all requests are refused for their nonce unless `nonce_reject` says otherwise.
"""

import contextlib
import json
import os
import re
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme

from adapters.demo.ports import free_port
from tests.support.components import require

_PATIENCE_SECONDS = 30.0
_ISSUED = re.compile(r"Issued certificate serial ([0-9a-f]+) for order")
HOST = "127.0.0.1"


class Pebble:
    """A running pebble."""

    def __init__(self, directory: Path, ports: dict[str, int], trusted_pem: str, pid: int) -> None:
        self.directory = directory
        self.pid = pid
        self.http_port = ports["http"]
        self.trusted_pem = trusted_pem
        self.directory_url = f"https://localhost:{ports['acme']}/dir"
        self._management = f"https://localhost:{ports['management']}"
        self._names = f"http://{HOST}:{ports['names']}"
        self._context = ssl.create_default_context(cadata=trusted_pem)

    def root_pem(self, number: int = 0) -> str:
        """The root of one of its chains."""
        return self._get(f"{self._management}/roots/{number}")

    def log(self) -> str:
        """Everything it said."""
        return (self.directory / "pebble.log").read_text()

    def issued(self) -> list[str]:
        """The serial numbers (hex) of all certificates that it issued."""
        return _ISSUED.findall(self.log())

    def status(self, serial_number: str) -> dict[str, Any]:
        """What it says of a certificate (serial number in hex): `Status`, and `Reason` once it is revoked."""
        found: dict[str, Any] = json.loads(self._get(f"{self._management}/cert-status-by-serial/{serial_number}"))
        return found

    def names(self, what: str, **body: Any) -> None:
        """Tell pebble-challtestsrv: `set-txt`, `set-servfail`, `clear-txt` ..."""
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._names}/{what}", data=data, timeout=_PATIENCE_SECONDS) as answer:
            assert answer.status == 200

    def answers(self) -> bool:
        """Does it listen?"""
        try:
            return bool(self._get(self.directory_url))
        except OSError:
            return False

    def _get(self, url: str) -> str:
        with urllib.request.urlopen(url, timeout=_PATIENCE_SECONDS, context=self._context) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def running_pebble(
    directory: Path,
    *,
    nonce_reject: int = 50,
    eab: dict[str, str] | None = None,
    names_at: str | None = None,
    environment: dict[str, str] | None = None,
    http_port: int | None = None,
    acme_port: int | None = None,
) -> Iterator[Pebble]:
    """Started, with its own name server unless `names_at` (host:port) names one; stopped at the end of the block."""
    pebble, names = str(require("pebble")), str(require("pebble-challtestsrv"))
    directory.mkdir(parents=True, exist_ok=True)
    ports = {name: free_port(HOST) for name in ("acme", "management", "names", "dns", "tls", "http")}
    ports |= {name: port for name, port in (("http", http_port), ("acme", acme_port)) if port is not None}
    authority = trustme.CA()
    configuration = _configuration(directory, ports, authority, eab)
    server = f"{HOST}:{ports['dns']}"
    variables = {
        **os.environ,
        "PEBBLE_VA_NOSLEEP": "1",
        "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
        "PEBBLE_ALTERNATE_ROOTS": "1",
        **(environment or {}),
    }
    arguments = ["-management", f"{HOST}:{ports['names']}", "-dns01", server, "-defaultIPv6", ""]
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process(directory / "names.log", names, *arguments, *_NO_SERVERS))
        asked = ["-config", str(configuration), "-dnsserver", names_at or server]
        process = stack.enter_context(_process(directory / "pebble.log", pebble, *asked, environment=variables))
        found = Pebble(directory, ports, authority.cert_pem.bytes().decode(), process.pid)
        _wait(found, process)
        yield found


_NO_SERVERS = ("-http01", "", "-https01", "", "-tlsalpn01", "")


def _configuration(directory: Path, ports: dict[str, int], authority: trustme.CA, eab: dict[str, str] | None) -> Path:
    certificate = authority.issue_cert("localhost", HOST)
    certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    certificate.private_key_pem.write_to_path(directory / "key.pem")
    path = directory / "pebble.json"
    settings = {
        "listenAddress": f"{HOST}:{ports['acme']}",
        "managementListenAddress": f"{HOST}:{ports['management']}",
        "certificate": str(directory / "cert.pem"),
        "privateKey": str(directory / "key.pem"),
        "httpPort": ports["http"],
        "tlsPort": ports["tls"],
        "ocspResponderURL": "",
        "externalAccountBindingRequired": eab is not None,
        "externalAccountMACKeys": eab or {},
        "domainBlocklist": ["blocked.example"],
    }
    path.write_text(json.dumps({"pebble": settings}))
    return path


@contextlib.contextmanager
def _process(
    log: Path, *command: str, environment: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE_SECONDS)


def _wait(ca: Pebble, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not ca.answers():
        assert process.poll() is None, ca.log()
        assert time.monotonic() < deadline, ca.log()
        time.sleep(0.02)
