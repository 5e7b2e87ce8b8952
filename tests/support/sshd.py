"""A real OpenSSH server in the foreground, on a free port, in a directory of its own, as whoever runs the tests.

    with running_sshd() as sshd:
        sshd.settings(root, reload_profile)   # a target system's settings for the `ssh` transport
        sshd.user_key                         # its secret `ssh_private_key`

As root, `user` makes the whole server run as another user, who is then the only one that can log in.
"""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh

from tests.support.components import require

_PATIENCE_SECONDS = 30.0
_LOOKS, _TRIES = 1_500, 20
_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
{more}
"""


class Sshd:
    """One OpenSSH server; `freeze` stops it in its tracks, so that connections are accepted and never answered."""

    def __init__(self, directory: Path, user: str | None = None, more: str = "") -> None:
        self.directory = directory
        self.username = user or pwd.getpwuid(os.getuid()).pw_name
        self.port = 0
        self._user = user
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None
        self.host_key, self.user_key = self._make_keys()

    def settings(self, root: Path | str, reload_profile: str) -> dict[str, object]:
        """The settings of a target system behind this server."""
        return {
            "transport": "ssh",
            "host": "127.0.0.1",
            "port": self.port,
            "username": self.username,
            "host_key": self.host_key,
            "root": str(root),
            "reload_profile": reload_profile,
        }

    def start(self) -> None:
        """Start, on the same port as before if there was one."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        log = self.directory / "sshd.log"
        for _ in range(_TRIES):
            self.port = self.port or _free_port()
            text = _CONFIGURATION.format(port=self.port, directory=self.directory, more=self._more)
            (self.directory / "sshd_config").write_text(text)
            argv = [str(require("sshd")), "-D", "-e", "-f", str(self.directory / "sshd_config")]
            with log.open("wb") as output:
                self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=output, user=self._user)
            if self._is_up():
                return
            assert "in use" in log.read_text(), log.read_text()
            self.port = 0
        raise AssertionError("no free port was found")

    def stop(self) -> None:
        """Stop listening. Connections that are open end with their clients."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(timeout=_PATIENCE_SECONDS)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """In this block the server is stopped by SIGSTOP: the kernel accepts connections, nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _make_keys(self) -> tuple[str, str]:
        host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        files = {
            "host_key": host.export_private_key().decode(),
            "authorized_keys": user.export_public_key().decode(),
        }
        for name, text in files.items():
            path = self.directory / name
            path.write_text(text)
            path.chmod(0o600)
            if self._user is not None:
                os.chown(path, pwd.getpwnam(self._user).pw_uid, -1)
        return host.export_public_key().decode().strip(), user.export_private_key().decode()

    def _is_up(self) -> bool:
        for _ in range(_LOOKS):
            if self._process is None or self._process.poll() is not None:
                return False
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                return probe.recv(4) == b"SSH-"
            time.sleep(0.02)
        raise AssertionError("sshd neither listens nor ends")


@contextlib.contextmanager
def running_sshd(user: str | None = None, more: str = "") -> Iterator[Sshd]:
    """A started server, stopped at the end of the block whatever happens."""
    # Not below pytest's directory: that is 0700, and another user has to read the keys.
    with tempfile.TemporaryDirectory(prefix="certferry-sshd-") as directory:
        Path(directory).chmod(0o711)
        sshd = Sshd(Path(directory), user, more)
        sshd.start()
        try:
            yield sshd
        finally:
            sshd.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
