"""A real rsyslog that messages are sent to.

with rsyslogd(tmp_path) as daemon:
    line_to(parse_receiver(daemon.address("tcp"))).send([...])
    [message] = daemon.wait_for(1)
"""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.demo.ports import free_port
from tests.support.components import require
from tests.support.waiting import wait_until

_TLS = """
global(defaultNetstreamDriverCAFile="{tls}/ca.pem" defaultNetstreamDriverCertFile="{tls}/server.pem"
    defaultNetstreamDriverKeyFile="{tls}/server.key")
"""
_CONFIGURATION = """
global(workDirectory="{directory}")
{tls}
main_queue(queue.type="Direct")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp" {driver})
input(type="imuxsock" Socket="{directory}/log" CreatePath="on" useSpecialParser="off" ignoreTimestamp="off")
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imtcp" address="127.0.0.1" port="{port}" supportOctetCountedFraming="on")
template(name="whole" type="list" option.jsonf="on") {{
    property(outname="app_name" name="app-name" format="jsonf")
    property(outname="message_id" name="msgid" format="jsonf")
    property(outname="priority" name="pri" format="jsonf")
    property(outname="at" name="timestamp" dateFormat="rfc3339" format="jsonf")
    property(outname="structured_data" name="structured-data" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}}
action(type="omfile" file="{directory}/received" template="whole" flushOnTXEnd="on" asyncWriting="off")
"""


class Received(msgspec.Struct, frozen=True):
    """A message as rsyslog understood it."""

    app_name: str
    message_id: str
    priority: str
    at: str
    structured_data: str
    text: str


class Rsyslog:
    """One daemon, whose messages stay when it is started again."""

    def __init__(self, directory: Path, tls: Path | None = None, *, client_certificates: bool = False) -> None:
        """`tls`: a directory with ca.pem, server.pem and server.key; TCP is then TLS."""
        self.directory = directory
        self.port = free_port("127.0.0.1")
        self._tls = tls
        mode = "x509/certvalid" if client_certificates else "anon"
        driver = f'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="{mode}"' if tls else ""
        (directory / "rsyslog.conf").write_text(
            _CONFIGURATION.format(
                directory=directory, port=self.port, driver=driver, tls=_TLS.format(tls=tls) if tls else ""
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, transport: str) -> str:
        """Where it listens."""
        return str(self.directory / "log") if transport == "local" else f"{transport}://localhost:{self.port}"

    def start(self) -> None:
        """Return once it listens."""
        (self.directory / "pid").unlink(missing_ok=True)
        (self.directory / "log").unlink(missing_ok=True)
        command = [str(require("rsyslogd")), "-n", "-f", str(self.directory / "rsyslog.conf")]
        with (self.directory / "said").open("ab") as said:
            self._process = subprocess.Popen([*command, "-i", str(self.directory / "pid")], stdout=said, stderr=said)
        wait_until(lambda: (self.directory / "log").exists() and self._listens(), 30)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Return once it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def received(self) -> list[Received]:
        """All that came so far."""
        file = self.directory / "received"
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        return [msgspec.convert(json.loads(line), Received) for line in lines if line.endswith("\n")]

    def wait_for(self, count: int) -> list[Received]:
        """The messages, once there are so many."""
        wait_until(lambda: len(self.received()) >= count, 60)
        return self.received()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def rsyslogd(directory: Path, tls: Path | None = None, *, client_certificates: bool = False) -> Iterator[Rsyslog]:
    """A daemon that listens to a local socket, UDP and TCP (or TLS)."""
    if tls:
        require("rsyslogd", "rsyslog-gnutls")
    daemon = Rsyslog(directory, tls, client_certificates=client_certificates)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
