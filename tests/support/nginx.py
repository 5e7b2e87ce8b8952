"""A real nginx in the foreground, on a free port, in a directory of its own, as whoever runs the tests.

    with running_nginx(tmp_path / "nginx", Site(place)) as nginx:
        nginx.test_argv, nginx.reload_argv          # for a reload profile of a bridge
        nginx.wait_until_serves(fingerprint)        # a real TLS handshake

`Site.place` is a directory whose `current` leads to `fullchain.pem` and `privkey.pem`; `lay_out` makes a first one.
"""

import contextlib
import hashlib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.components import require

_PATIENCE_SECONDS = 30.0
_LOOKS = 1_500
"""Looks at a program, a fiftieth of a second apart: a machine that sleeps in between costs none."""
_TRIES = 20
_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log notice;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{servers}
  include {directory}/extra*.conf;
}}
"""
_SERVER = """\
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name {name};
    ssl_certificate "{place}/current/fullchain.pem";
    ssl_certificate_key "{place}/current/privkey.pem";
    return 200 "{name}\\n";
  }}"""


@dataclass(frozen=True)
class Site:
    """A virtual host and the place its certificate comes from. The first site answers unknown names."""

    place: Path
    name: str = "localhost"


def lay_out(place: Path, fullchain_pem: str, private_key_pem: str) -> None:
    """A first certificate, put there by an administrator: `current` leads to a directory of theirs."""
    by_hand = place / "by-hand"
    by_hand.mkdir(parents=True)
    (by_hand / "fullchain.pem").write_text(fullchain_pem)
    (by_hand / "privkey.pem").write_text(private_key_pem)
    (place / "current").symlink_to("by-hand")


class Nginx:
    """One nginx. It can be stopped and started again, and its configuration broken and mended."""

    def __init__(self, directory: Path, sites: tuple[Site, ...]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.configuration = directory / "nginx.conf"
        self.port = 0
        self._sites = sites
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def argv(self) -> tuple[str, ...]:
        """Runs it in the foreground."""
        return (str(require("nginx")), "-p", str(self.directory), "-c", str(self.configuration), "-e", "stderr")

    @property
    def test_argv(self) -> tuple[str, ...]:
        """Tests the configuration; prints what is wrong with it."""
        return (*self.argv, "-t")

    @property
    def reload_argv(self) -> tuple[str, ...]:
        """Makes the running nginx take the files as they are now; status 1 when none is running."""
        return (*self.argv, "-s", "reload")

    def start(self) -> None:
        """Start, on the same port as before if there was one. The port is free when it is chosen; if another program
        is faster, the next free one is taken.
        """
        for _ in range(_TRIES):
            self.port = self.port or _free_port()
            self.write_configuration()
            self._process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._is_up():
                return
            log = (self.directory / "error.log").read_text()
            assert "Address already in use" in log, log
            self.port = 0
        raise AssertionError("no free port was found")

    def stop(self) -> None:
        """Stop at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None

    def break_configuration(self) -> None:
        """From now on nginx refuses its configuration, for a reason that has nothing to do with certificates."""
        (self.directory / "extra-broken.conf").write_text("no_such_directive on;\n")

    def mend_configuration(self) -> None:
        """Take that back."""
        (self.directory / "extra-broken.conf").unlink()

    def serves(self, name: str | None = None) -> str:
        """SHA-256 (hex) of the leaf that a TLS client is shown now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as tls,
        ):
            return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()

    def wait_until_serves(self, fingerprint: str, name: str | None = None) -> None:
        """A reload returns before the new workers are there: wait for them."""
        served = ""
        for _ in range(_LOOKS):
            if (served := self.serves(name)) == fingerprint:
                return
            time.sleep(0.02)
        raise AssertionError(f"still serving {served}")

    def write_configuration(self) -> None:
        """For the port as it is now."""
        servers = "\n".join(_SERVER.format(port=self.port, name=site.name, place=site.place) for site in self._sites)
        self.configuration.write_text(_CONFIGURATION.format(directory=self.directory, servers=servers))

    def _is_up(self) -> bool:
        for _ in range(_LOOKS):
            if self._process is None or self._process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                self.serves()
                # Another program could have the port: ours has written its process id by then.
                return (self.directory / "nginx.pid").exists()
            time.sleep(0.02)
        raise AssertionError("nginx neither listens nor ends")


@contextlib.contextmanager
def running_nginx(directory: Path, *sites: Site) -> Iterator[Nginx]:
    """A started nginx, stopped at the end of the block whatever happens."""
    nginx = Nginx(directory, sites)
    nginx.start()
    try:
        yield nginx
    finally:
        nginx.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
