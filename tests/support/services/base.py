"""What all servers of tests have in common: a directory, a port, a process in the foreground, a first certificate.

    with running(Redis(directory)) as server:
        server.profile()                       # for the bridge's configuration
        server.wait_until_serves(fingerprint)  # a handshake by `openssl s_client`

A server reads its certificate below `server.root`, where an administrator has laid a first one.
"""

import contextlib
import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bridge.config import ReloadProfile
from tests.bridge.pki import Issued
from tests.support.components import require

_PATIENCE_SECONDS = 60.0
_LOOKS, _TRIES = 1_500, 20
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Server:
    """One server. Subclasses say how it is configured, started and told; `port` is where it serves TLS."""

    kind: ClassVar[str] = "files"
    needs: ClassVar[tuple[str, ...]] = ()
    """Components; the first one is the program."""
    starttls: ClassVar[str | None] = None
    """As `openssl s_client -starttls` has it."""
    refuses_weak_keys: ClassVar[bool] = True
    """Whether it does not load a key of RSA-1024."""
    swallows_foreign_keys: ClassVar[bool] = False
    as_root: ClassVar[bool] = False
    """Nobody else can run it."""
    """Whether its reload says yes to a key of another certificate."""
    user: ClassVar[str | None] = None

    def __init__(self, directory: Path, first: Issued) -> None:
        self.program = require(*self.needs, "openssl")
        self.directory = directory
        self.root = directory / "tls"
        self.port = 0
        self.secrets: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lay_out(first)
        if self.as_root and os.getuid() != 0:
            pytest.skip(f"only root can run {type(self).__name__}")
        self.prepare()

    @property
    def chain(self) -> Path:
        return self.root / "current/fullchain.pem"

    @property
    def key(self) -> Path:
        return self.root / "current/privkey.pem"

    def prepare(self) -> None:
        """Whatever is needed once, before the first start."""

    def configure(self) -> tuple[str, ...]:
        """Write the configuration for `port`; returns what to run, in the foreground."""
        raise NotImplementedError

    def profile(self, **changes: Any) -> ReloadProfile:
        """What a bridge's configuration says of this server."""
        told: dict[str, Any] = {"serves": f"127.0.0.1:{self.port}", "serves_within_seconds": 60} | self.told()
        return ReloadProfile(**(told | changes))

    def told(self) -> dict[str, Any]:
        """The parts of the reload profile that are this server's own."""
        raise NotImplementedError

    def first_files(self, first: Issued) -> dict[str, bytes]:
        """What an administrator has laid beside chain and key."""
        return {}

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Within the block no activation works, and what was served before is served again at its end."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def start(self) -> None:
        """Start, on the same port as before if there was one; another program may be faster than us."""
        log = self.directory / "server.log"
        for _ in range(_TRIES):
            self.port = self.port or free_port()
            argv = self.configure()
            environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.directory)} | self.environment()
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    user=self._user(),
                    group=self._user(),  # of the same name
                    extra_groups=None if self._user() is None else [],
                    start_new_session=True,
                )
            if self._is_up():
                return
            text = log.read_text(errors="replace") + self.more_log()
            assert re.search("in use|bind", text, re.IGNORECASE), text
            self.port = 0
        raise AssertionError("no free port was found")

    def environment(self) -> dict[str, str]:
        """More variables."""
        return {}

    def more_log(self) -> str:
        """What it has written elsewhere."""
        return ""

    def stop(self) -> None:
        """Stop, and all that it has started."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None

    def serves(self) -> str | None:
        """SHA-256 (hex) of the leaf that a client is shown; None where no handshake comes about."""
        if self.starttls is None:
            with contextlib.suppress(OSError):
                return self._shown()
            return None
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-starttls", self.starttls]
        try:
            ran = subprocess.run(
                argv, input="", capture_output=True, text=True, errors="replace", check=False, timeout=10
            )
        except subprocess.TimeoutExpired:
            return None
        found = _PEM.search(ran.stdout)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found[0])).hexdigest() if found else None

    def wait_until_serves(self, fingerprint: str) -> None:
        """A reload may return before its work is done."""
        served: str | None = None
        for _ in range(_LOOKS):
            if (served := self.serves()) == fingerprint:
                return
            time.sleep(0.02)
        raise AssertionError(f"still serving {served}")

    def _shown(self) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()

    def give(self, path: Path) -> None:
        """To the user that the server is."""
        if (user := self._user()) is not None:
            shutil.chown(path, user)

    def _user(self) -> str | None:
        return self.user if os.getuid() == 0 else None

    def _is_up(self) -> bool:
        for _ in range(_LOOKS):
            if self._process is None or self._process.poll() is not None:
                return False
            if self.serves() is not None:
                return True
            time.sleep(0.02)
        raise AssertionError(f"{type(self).__name__} neither serves nor ends:\n{self._log()}")

    def _log(self) -> str:
        return (self.directory / "server.log").read_text(errors="replace") + self.more_log()

    def _lay_out(self, first: Issued) -> None:
        by_hand = self.root / "by-hand"
        by_hand.mkdir(parents=True)
        files = {"fullchain.pem": first.fullchain_pem.encode(), "privkey.pem": first.key_pem.encode()}
        for name, content in (files | self.first_files(first)).items():
            (by_hand / name).write_bytes(content)
            (by_hand / name).chmod(0o600)
            self.give(by_hand / name)
        (self.root / "current").symlink_to("by-hand")


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(kind: type[Server], first: Issued) -> Iterator[Server]:
    """A started server, stopped at the end of the block whatever happens."""
    # Not below pytest's directory: that is 0700, and some servers are other users. A short path, for sockets.
    with tempfile.TemporaryDirectory(prefix="certferry-target-") as name:
        Path(name).chmod(0o755)
        server = kind(Path(name), first)
        try:
            server.start()
            yield server
        finally:
            server.stop()
