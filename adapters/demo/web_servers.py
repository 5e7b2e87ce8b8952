"""The demo's web servers: a real nginx, or where there is none, simulated TLS targets."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from adapters.demo.commands import environment
from adapters.demo.first_certificates import lay_out
from adapters.demo.parts import Part
from adapters.demo.place import Place
from adapters.demo.ports import free_port

SITES = {
    "shop": "shop.example.com",
    "intranet": "intranet.example.com",
    "gateway": "api.example.com",
    "news": "news.example.com",
    "legacy": "legacy.example.com",
    "try": "try.example.com",
}
"""Directory below `sites` -> name of the virtual host."""

_SIMULATED = (sys.executable, "-P", "-m", "adapters.simulated.tls_target")
_SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where daemons are, and not on everyone's PATH
_HEAD = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log notice;
events { worker_connections 128; }
http {
  access_log off;
  server_tokens off;
  default_type text/plain;
  client_body_temp_path temporary-body;
  proxy_temp_path temporary-proxy;
  fastcgi_temp_path temporary-fastcgi;
  uwsgi_temp_path temporary-uwsgi;
  scgi_temp_path temporary-scgi;
"""
_SERVER = """\
  server {{
    listen {address}:{port} ssl;
    server_name {name};
    ssl_certificate sites/{site}/current/fullchain.pem;
    ssl_certificate_key sites/{site}/current/privkey.pem;
    return 200 "{name}, served by nginx\\n";
  }}
"""
# What an administrator left behind on the old proxy: nginx refuses it, whichever certificate comes.
_BROKEN = _HEAD + "  ssl_prefer_server_cipher on;\n}\n"


class WebServers(Protocol):
    """What serves the demo's sites."""

    description: str

    @property
    def endpoints(self) -> Mapping[str, str]:
        """Where each site is served, `address:port`."""
        ...

    @property
    def kind(self) -> str:
        """The kind of target system they are."""
        ...

    def prepare(self) -> None:
        """Choose ports, once; put the certificates there that were there before certferry; write configurations."""
        ...

    def parts(self) -> Sequence[Part]:
        """The processes."""
        ...

    def reload_profiles(self) -> Mapping[str, Mapping[str, list[str]]]:
        """What the bridge may run after it has put a certificate in place."""
        ...


def choose_web_servers(place: Place, *, simulated: bool) -> WebServers:
    """Nginx where it is installed (and nobody asked for others), else simulated ones."""
    program = None if simulated else _find_nginx()
    return Nginx(place, program) if program else SimulatedServers(place)


class Nginx:
    """One real nginx with a virtual host per site, each on a port of its own."""

    kind = "nginx"

    def __init__(self, place: Place, program: str) -> None:
        self.description = f"nginx ({program}), {len(SITES)} virtual hosts on {place.kept.address}"
        self._place = place
        self._program = program

    @property
    def endpoints(self) -> Mapping[str, str]:
        """See WebServers."""
        return _endpoints(self._place)

    def prepare(self) -> None:
        """All paths in it are relative: whatever the directory is called, nothing has to be quoted."""
        _prepare_sites(self._place)
        (self._place.nginx / "conf.d").mkdir(mode=0o700, exist_ok=True)
        servers = "".join(
            _SERVER.format(address=self._place.kept.address, port=self._place.kept.ports[site], name=name, site=site)
            for site, name in SITES.items()
        )
        (self._place.nginx / "nginx.conf").write_text(f"{_HEAD}{servers}  include conf.d/*.conf;\n}}\n")
        (self._place.nginx / "legacy-proxy.conf").write_text(_BROKEN)

    def parts(self) -> Sequence[Part]:
        """A master process in the foreground."""
        return [Part(name="nginx", argv=self._argv(), environment=environment(self._place))]

    def reload_profiles(self) -> Mapping[str, Mapping[str, list[str]]]:
        """Nginx tests and reloads itself; the old proxy's configuration is broken."""
        nginx, legacy = self._argv(), self._argv("legacy-proxy.conf")
        return {
            "web": {"test": [*nginx, "-t"], "reload": [*nginx, "-s", "reload"]},
            "legacy-proxy": {"test": [*legacy, "-t"], "reload": [*legacy, "-s", "reload"]},
        }

    def _argv(self, configuration: str = "nginx.conf") -> list[str]:
        return [self._program, "-p", f"{self._place.nginx}/", "-c", configuration, "-e", "stderr"]


class SimulatedServers:
    """A simulated TLS target per site, where nginx is not installed."""

    kind = "files"
    description = "simulated TLS targets (with nginx installed, the demo uses that)"

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def endpoints(self) -> Mapping[str, str]:
        """See WebServers."""
        return _endpoints(self._place)

    def prepare(self) -> None:
        """See WebServers."""
        _prepare_sites(self._place)

    def parts(self) -> Sequence[Part]:
        """One process per site."""
        return [
            Part(
                name=f"{site} (simulated)",
                argv=[*_SIMULATED, "--root", str(self._place.sites / site), *self._served(site)],
                environment=environment(self._place),
            )
            for site in SITES
        ]

    def reload_profiles(self) -> Mapping[str, Mapping[str, list[str]]]:
        """`{place}` is where the bridge has just put the certificate; the old proxy's directory is not there."""
        root = [*_SIMULATED, "--root"]
        return {
            "web": {
                "test": [*root, "{place}", "--check"],
                "reload": [*root, "{place}", "--pid-file", "{place}/target.pid", "--reload"],
            },
            "legacy-proxy": {"test": [*root, str(self._place.nginx / "gone"), "--check"], "reload": ["false"]},
        }

    def _served(self, site: str) -> list[str]:
        pid_file = self._place.sites / site / "target.pid"
        port = self._place.kept.ports[site]
        return ["--host", self._place.kept.address, "--port", str(port), "--pid-file", str(pid_file)]


def _endpoints(place: Place) -> Mapping[str, str]:
    return {site: f"{place.kept.address}:{place.kept.ports[site]}" for site in SITES}


def _prepare_sites(place: Place) -> None:
    for site, name in SITES.items():
        if site not in place.kept.ports:
            place.kept.ports[site] = free_port(place.kept.address)
        lay_out(place.sites / site, name)
    place.keep()


def _find_nginx() -> str | None:
    for directory in (None, *_SYSTEM_PATHS):
        if found := shutil.which("nginx", path=directory):
            return found
    return None
