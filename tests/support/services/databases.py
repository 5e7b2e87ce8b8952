"""Databases and directories."""

import os
import subprocess
from typing import Any

from tests.support.services.base import Server


class Redis(Server):
    kind = "redis"
    needs = ("redis-server",)

    def prepare(self) -> None:
        self.secrets = {"password": "p4ss word"}

    def configure(self) -> tuple[str, ...]:
        (self.directory / "redis.conf").write_text(
            f'port 0\nbind 127.0.0.1\ntls-port {self.port}\nunixsocket {self.directory}/redis.sock\nsave ""\n'
            f"dir {self.directory}\ntls-cert-file {self.chain}\ntls-key-file {self.key}\ntls-auth-clients no\n"
            'requirepass "p4ss word"\n'
        )
        return (str(self.program), str(self.directory / "redis.conf"))

    def told(self) -> dict[str, Any]:
        return {"api": f"{self.directory}/redis.sock"}


class PostgreSql(Server):
    """Its reload says yes to a key that it cannot load, and the old certificate stays."""

    kind = "postgresql"
    needs = ("postgresql",)
    starttls = "postgres"
    swallows_foreign_keys = True
    user = "postgres"

    def prepare(self) -> None:
        self._bin = max(self.program.glob("*/bin"), key=lambda path: float(path.parent.name))
        data = self.directory / "data"
        data.mkdir()
        self.give(data)
        argv = [str(self._bin / "initdb"), "--no-sync", "--auth", "trust", "-D", str(data)]
        subprocess.run(argv, check=True, capture_output=True, user=self._user())

    def configure(self) -> tuple[str, ...]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": self.chain,
            "ssl_key_file": self.key,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return (str(self._bin / "postgres"), "-D", str(self.directory / "data"), *settings)

    def told(self) -> dict[str, Any]:
        group = {"group": "postgres"} if os.getuid() == 0 else {}
        pid_file = f"{self.directory}/data/postmaster.pid"
        return {"signal": "HUP", "pid_file": pid_file, "starttls": "postgresql", **group}


class MariaDb(Server):
    kind = "mariadb"
    needs = ("mariadbd",)
    starttls = "mysql"

    def prepare(self) -> None:
        user = ("--user=root",) if os.getuid() == 0 else ()
        argv = ["mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data", "--skip-test-db", *user]
        subprocess.run([*argv, "--auth-root-authentication-method=normal"], check=True, capture_output=True)

    def configure(self) -> tuple[str, ...]:
        user = ("--user=root",) if os.getuid() == 0 else ()
        return (
            str(self.program), "--no-defaults", *user, f"--datadir={self.directory}/data", f"--port={self.port}",
            f"--socket={self.directory}/maria.sock", "--bind-address=127.0.0.1", f"--ssl-cert={self.chain}",
            f"--ssl-key={self.key}", f"--pid-file={self.directory}/maria.pid", "--innodb-flush-log-at-trx-commit=0",
            f"--tmpdir={self.directory}",
        )  # fmt: skip

    def told(self) -> dict[str, Any]:
        client = ("mariadb", "--no-defaults", f"--socket={self.directory}/maria.sock", "--user=root")
        return {"reload": (*client, "-e", "FLUSH SSL"), "starttls": "mysql"}


class Slapd(Server):
    kind = "slapd"
    needs = ("slapd", "ldapmodify")
    starttls = "ldap"
    refuses_weak_keys = False  # GnuTLS

    def prepare(self) -> None:
        (self.directory / "slapd.d").mkdir()
        me = f"gidNumber={os.getgid()}+uidNumber={os.getuid()},cn=peercred,cn=external,cn=auth"
        ldif = (
            f"dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcPidFile: {self.directory}/slapd.pid\n"
            f"olcTLSCertificateFile: {self.chain}\nolcTLSCertificateKeyFile: {self.key}\n\n"
            f"dn: olcDatabase={{0}}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {{0}}config\n"
            f"olcAccess: to * by dn.exact={me} manage by * none\n"
        )
        argv = ["slapadd", "-n", "0", "-F", str(self.directory / "slapd.d")]
        subprocess.run(argv, input=ldif, text=True, check=True, capture_output=True)
        self._change = self.directory / "certificate.ldif"
        self._change.write_text(
            "dn: cn=config\nchangetype: modify\n"
            f"replace: olcTLSCertificateFile\nolcTLSCertificateFile: {self.chain}\n-\n"
            f"replace: olcTLSCertificateKeyFile\nolcTLSCertificateKeyFile: {self.key}\n"
        )

    @property
    def _ldapi(self) -> str:
        return f"ldapi://{str(self.directory / 'ldapi').replace('/', '%2F')}"

    def configure(self) -> tuple[str, ...]:
        listening = f"ldap://127.0.0.1:{self.port}/ {self._ldapi}"
        return (str(self.program), "-d", "0", "-F", str(self.directory / "slapd.d"), "-h", listening)

    def told(self) -> dict[str, Any]:
        modify = ("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", self._ldapi, "-f", str(self._change))
        return {"reload": modify, "starttls": "ldap"}
