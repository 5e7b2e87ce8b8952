"""A real name server that takes signed updates: Debian's bind9, in the foreground, on a free port.

with running_name_server(tmp_path) as server:
    server.port, server.secret          # for a provider's settings (zone example.org, key certferry)
    server.texts("_acme-challenge.www.example.org")
"""

import base64
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from adapters.demo.ports import free_port
from tests.support.components import require

HOST, ZONE, KEY = "127.0.0.1", "example.org", "certferry"
_PATIENCE_SECONDS = 30.0
_CONFIGURATION = """\
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
controls {{ }};
options {{
  directory "{directory}";
  pid-file "{directory}/named.pid";
  session-keyfile "{directory}/session.key";
  managed-keys-directory "{directory}";
  listen-on port {port} {{ {host}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  notify no;
}};
zone "{zone}" {{ type master; file "{directory}/zone"; allow-update {{ key "{key}"; }}; }};
"""
_RECORDS = """\
$TTL 60
@ SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 60
@ NS ns.{zone}.
ns A 127.0.0.1
www A 127.0.0.1
shop A 127.0.0.1
inside A 10.255.255.1
"""


class NameServer:
    """A running bind."""

    def __init__(self, port: int, secret: str) -> None:
        self.port = port
        self.secret = secret

    def texts(self, name: str) -> list[str]:
        """The TXT values at a name."""
        query = dns.message.make_query(name, dns.rdatatype.TXT)
        answer = dns.query.tcp(query, HOST, port=self.port, timeout=5)
        return [str(text).strip('"') for found in answer.answer for text in found]


@contextlib.contextmanager
def running_name_server(directory: Path) -> Iterator[NameServer]:
    """Started, with an empty zone; stopped at the end of the block."""
    named = str(require("named"))
    directory.mkdir(parents=True, exist_ok=True)
    server = NameServer(free_port(HOST), base64.b64encode(os.urandom(32)).decode())
    values = {"key": KEY, "secret": server.secret, "directory": directory, "port": server.port, "host": HOST}
    (directory / "named.conf").write_text(_CONFIGURATION.format(zone=ZONE, **values))
    (directory / "zone").write_text(_RECORDS.format(zone=ZONE))
    with (directory / "log").open("wb") as log:
        command = [named, "-c", str(directory / "named.conf"), "-g", "-n", "1"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(server, process, directory / "log")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE_SECONDS)


def _wait(server: NameServer, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with contextlib.suppress(dns.exception.DNSException, OSError, EOFError):
            server.texts(ZONE)
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
