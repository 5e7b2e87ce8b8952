"""Web servers and proxies."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from tests.bridge.pki import Issued
from tests.support.nginx import Nginx, Site
from tests.support.services.base import Server, free_port


class Breakable(Server):
    """Its own test refuses a configuration that is broken, and it goes on serving."""

    refuses_weak_keys = False

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        extra = self.directory / "extra-broken.conf"
        extra.write_text("no_such_directive on;\n")
        try:
            yield
        finally:
            extra.unlink()


class NginxServer(Breakable):
    kind = "nginx"
    needs = ("nginx",)

    def configure(self) -> tuple[str, ...]:
        self._nginx = Nginx(self.directory, (Site(self.root),))
        self._nginx.port = self.port
        self._nginx.write_configuration()
        return self._nginx.argv

    def told(self) -> dict[str, Any]:
        return {"test": self._nginx.test_argv, "reload": self._nginx.reload_argv}


class Apache(Breakable):
    kind = "apache2"
    needs = ("apache2",)

    def configure(self) -> tuple[str, ...]:
        modules = ("mpm_event", "authz_core", "socache_shmcb", "ssl")
        loading = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
        (self.directory / "apache.conf").write_text(
            f"ServerName localhost\nServerRoot {self.directory}\nPidFile {self.directory}/apache.pid\n"
            f"DefaultRuntimeDir {self.directory}\nErrorLog {self.directory}/error.log\n{loading}\n"
            f"{'User www-data' if os.getuid() == 0 else ''}\n{'Group www-data' if os.getuid() == 0 else ''}\n"
            f"Listen 127.0.0.1:{self.port}\nSSLEngine on\nSSLCertificateFile {self.chain}\n"
            f"SSLCertificateKeyFile {self.key}\nIncludeOptional {self.directory}/extra*.conf\n"
        )
        return (*self._argv, "-DFOREGROUND")

    @property
    def _argv(self) -> tuple[str, ...]:
        return (str(self.program), "-f", str(self.directory / "apache.conf"))

    def told(self) -> dict[str, Any]:
        return {"test": (*self._argv, "-t"), "reload": (*self._argv, "-k", "graceful")}


class HaproxyReloaded(Server):
    """The file is read again: USR2 to the master process."""

    kind = "haproxy"
    needs = ("haproxy",)

    def first_files(self, first: Issued) -> dict[str, bytes]:
        return {"combined.pem": (first.fullchain_pem + first.key_pem).encode()}

    def configure(self) -> tuple[str, ...]:
        (self.directory / "haproxy.cfg").write_text(
            f"global\n  stats socket {self.directory}/admin.sock mode 600 level admin\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n"
            f"frontend web\n  bind 127.0.0.1:{self.port} ssl crt {self.root}/current/combined.pem\n"
            "  http-request return status 200\n"
        )
        return (*self._argv, "-W", "-db", "-p", f"{self.directory}/haproxy.pid")

    @property
    def _argv(self) -> tuple[str, ...]:
        return (str(self.program), "-f", str(self.directory / "haproxy.cfg"))

    def told(self) -> dict[str, Any]:
        return {"test": (*self._argv, "-c"), "signal": "USR2", "pid_file": f"{self.directory}/haproxy.pid"}


class HaproxyTold(HaproxyReloaded):
    """The runtime API takes the certificate, without a reload."""

    def told(self) -> dict[str, Any]:
        return {"api": f"{self.directory}/admin.sock"}


class Caddy(Server):
    kind = "caddy"
    needs = ("caddy",)
    refuses_weak_keys = False

    def configure(self) -> tuple[str, ...]:
        self._admin = free_port()
        files = [{"certificate": str(self.chain), "key": str(self.key)}]
        web = {
            "listen": [f"127.0.0.1:{self.port}"],
            "tls_connection_policies": [{}],
            "automatic_https": {"disable": True},
        }
        configuration = {
            "admin": {"listen": f"127.0.0.1:{self._admin}"},
            "apps": {"http": {"servers": {"web": web}}, "tls": {"certificates": {"load_files": files}}},
        }
        (self.directory / "caddy.json").write_text(json.dumps(configuration))
        return (str(self.program), "run", "--config", str(self.directory / "caddy.json"))

    def told(self) -> dict[str, Any]:
        return {"api": f"127.0.0.1:{self._admin}"}


class Lighttpd(Server):
    """The kind `files`: a test, and a signal."""

    needs = ("lighttpd", "lighttpd-openssl")

    def configure(self) -> tuple[str, ...]:
        (self.directory / "lighttpd.conf").write_text(
            f'server.modules = ("mod_openssl")\nserver.document-root = "{self.directory}"\n'
            f'server.port = {self.port}\nserver.bind = "127.0.0.1"\nserver.pid-file = "{self.directory}/lighttpd.pid"\n'
            f'ssl.engine = "enable"\nssl.pemfile = "{self.chain}"\nssl.privkey = "{self.key}"\n'
        )
        return (*self._argv, "-D")

    @property
    def _argv(self) -> tuple[str, ...]:
        return (str(self.program), "-f", str(self.directory / "lighttpd.conf"))

    def told(self) -> dict[str, Any]:
        return {"test": (*self._argv, "-tt"), "signal": "USR1", "pid_file": f"{self.directory}/lighttpd.pid"}


class Stunnel(Server):
    """The kind `files`: a signal alone."""

    needs = ("stunnel4",)

    def configure(self) -> tuple[str, ...]:
        (self.directory / "stunnel.conf").write_text(
            f"foreground = yes\npid = {self.directory}/stunnel.pid\n"
            f"[tls]\naccept = 127.0.0.1:{self.port}\nconnect = 127.0.0.1:9\ncert = {self.chain}\nkey = {self.key}\n"
        )
        return (str(self.program), str(self.directory / "stunnel.conf"))

    def told(self) -> dict[str, Any]:
        return {"signal": "HUP", "pid_file": f"{self.directory}/stunnel.pid"}
