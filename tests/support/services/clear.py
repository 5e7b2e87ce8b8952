"""Servers that begin in clear and go over to TLS, and that are no kind of target of their own."""

import contextlib
import hashlib
import socket
import ssl
from typing import Any

from tests.support.components import require
from tests.support.services.base import Server
from tests.support.services.mail import Dovecot

_SECONDS = 10.0


class DovecotPop3(Dovecot):
    starttls = "pop3"

    def prepare(self) -> None:
        require("dovecot-pop3")

    def configure(self) -> tuple[str, ...]:
        argv = super().configure()
        conf = self.directory / "dovecot.conf"
        conf.write_text(conf.read_text().replace("imap", "pop3"))
        return argv


class Vsftpd(Server):
    """AUTH TLS (RFC 4217)."""

    needs = ("vsftpd",)
    as_root = True
    starttls = "ftp"

    def configure(self) -> tuple[str, ...]:
        conf, empty = self.directory / "vsftpd.conf", self.directory / "empty"
        empty.mkdir(exist_ok=True)
        conf.write_text(
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\nbackground=NO\nanonymous_enable=YES\n"
            f"ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={self.chain}\nrsa_private_key_file={self.key}\n"
            f"secure_chroot_dir={empty}\nanon_root={empty}\nftp_username=nobody\nseccomp_sandbox=NO\n"
        )
        conf.chmod(0o600)
        return (str(self.program), str(conf))

    def told(self) -> dict[str, Any]:
        return {}


class Nats(Server):
    """INFO, then TLS. `openssl s_client` does not speak it."""

    needs = ("nats-server",)

    def configure(self) -> tuple[str, ...]:
        tls = f"tls {{ cert_file: '{self.chain}', key_file: '{self.key}' }}\n"
        (self.directory / "nats.conf").write_text(f"listen: '127.0.0.1:{self.port}'\n{tls}")
        return (str(self.program), "-c", str(self.directory / "nats.conf"))

    def told(self) -> dict[str, Any]:
        return {}

    def serves(self) -> str | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), _SECONDS) as plain:
            assert b"INFO " in plain.recv(65_536)
            with context.wrap_socket(plain) as tls:
                return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()
        return None
