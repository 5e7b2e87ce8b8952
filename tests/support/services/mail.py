"""Mail servers."""

import subprocess
from typing import Any

from tests.support.services.base import Server
from tests.support.services.web import Breakable


class Postfix(Server):
    """Its reload says yes to a key that it cannot load, and STARTTLS is refused from then on."""

    kind = "postfix"
    needs = ("postfix",)
    as_root = True
    starttls = "smtp"
    refuses_weak_keys = False
    swallows_foreign_keys = True

    def prepare(self) -> None:
        for name in ("etc", "queue", "data"):
            (self.directory / name).mkdir()
        subprocess.run(["chown", "postfix", str(self.directory / "data")], check=True)
        self.configure()
        subprocess.run([str(self.program), "-c", str(self.directory / "etc"), "check"], check=True, capture_output=True)

    def configure(self) -> tuple[str, ...]:
        etc = self.directory / "etc"
        (etc / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {self.directory}/queue\n"
            f"data_directory = {self.directory}/data\nmaillog_file_prefixes = {self.directory}\n"
            f"maillog_file = {self.directory}/mail.log\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
            "mydestination =\nsmtpd_tls_security_level = may\nmyhostname = target.example\n"
            f"smtpd_tls_cert_file = {self.chain}\nsmtpd_tls_key_file = {self.key}\n"
        )
        (etc / "master.cf").write_text(
            f"127.0.0.1:{self.port or 1} inet n - n - - smtpd\n"
            "tlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\nrewrite unix - - n - - trivial-rewrite\n"
            "proxymap unix - - n - - proxymap\n"
            "postlog unix-dgram n - n - 1 postlogd\n"
        )
        return ("/usr/lib/postfix/sbin/master", "-c", str(etc), "-s")

    def environment(self) -> dict[str, str]:
        return {"MAIL_CONFIG": str(self.directory / "etc"), "MAIL_LOGTAG": "postfix"}

    def more_log(self) -> str:
        log = self.directory / "mail.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def told(self) -> dict[str, Any]:
        postfix = (str(self.program), "-c", str(self.directory / "etc"))
        return {"test": (*postfix, "check"), "reload": (*postfix, "reload"), "starttls": "smtp"}


class Dovecot(Breakable):
    kind = "dovecot"
    needs = ("dovecot",)
    as_root = True
    starttls = "imap"

    def configure(self) -> tuple[str, ...]:
        (self.directory / "dovecot.conf").write_text(
            f"base_dir = {self.directory}/run\nstate_dir = {self.directory}\nlog_path = {self.directory}/dovecot.log\n"
            f"protocols = imap\nlisten = 127.0.0.1\nssl = yes\nssl_cert = <{self.chain}\nssl_key = <{self.key}\n"
            f"service imap-login {{\n  inet_listener imap {{\n    port = {self.port}\n  }}\n"
            "  inet_listener imaps {\n    port = 0\n  }\n}\n"
            "passdb {\n  driver = static\n  args = nopassword=y\n}\n"
            f"!include_try {self.directory}/extra*.conf\n"
        )
        return (str(self.program), "-F", "-c", str(self.directory / "dovecot.conf"))

    def more_log(self) -> str:
        log = self.directory / "dovecot.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def told(self) -> dict[str, Any]:
        conf = str(self.directory / "dovecot.conf")
        return {
            "test": ("doveconf", "-c", conf, "-h", "ssl"),
            "reload": ("doveadm", "-c", conf, "reload"),
            "starttls": "imap",
        }
