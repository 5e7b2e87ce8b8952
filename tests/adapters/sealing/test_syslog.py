"""Checkpoints as RFC 5424 messages, received by a real rsyslog over each transport."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.demo.ports import free_port
from adapters.keys.ed25519 import NoteSigner, verify_ed25519
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.syslog import Syslog, note_of, syslog_message
from domain.transparency.checkpoint import Checkpoint, open_checkpoint
from domain.transparency.hashing import EMPTY_ROOT
from domain.transparency.keys import signed
from tests.support.components import require
from tests.support.waiting import wait_until

ORIGIN = 'odd."name]\\'
LOG = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
NOTE = str(signed(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text, [LOG, LOG]))
SEALED = Sealed(1, 0, EMPTY_ROOT, NOTE, datetime(2026, 3, 14, 9, 26, 53, 5, tzinfo=UTC))

CONFIGURATION = """
global(workDirectory="{directory}")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
input(type="imuxsock" Socket="{directory}/log" CreatePath="on" useSpecialParser="off" ignoreTimestamp="off")
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imtcp" address="127.0.0.1" port="{port}" supportOctetCountedFraming="on")
template(name="whole" type="string"
    string="%app-name%|%msgid%|%pri%|%timestamp:::date-rfc3339%|%structured-data%|%msg%\\n")
action(type="omfile" file="{directory}/received" template="whole" flushOnTXEnd="on" asyncWriting="off")
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """rsyslog of the test's own: its directory and its port."""
    program = require("rsyslogd")
    port = free_port("127.0.0.1")
    configuration = tmp_path / "rsyslog.conf"
    configuration.write_text(CONFIGURATION.format(directory=tmp_path, port=port))
    command = [str(program), "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")]
    with (tmp_path / "said").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        wait_until(lambda: (tmp_path / "log").exists() and _listens(port), 30)
        yield tmp_path, port
        process.send_signal(signal.SIGTERM)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("transport", ["socket", "udp", "tcp"])
def test_a_checkpoint_arrives_whole(daemon: tuple[Path, int], transport: str) -> None:
    """Facility and severity, message id, instant; and the structured data give back the signed note."""
    directory, port = daemon
    address = str(directory / "log") if transport == "socket" else f"{transport}://127.0.0.1:{port}"
    Syslog(address).send(SEALED)
    received = directory / "received"
    wait_until(lambda: received.exists() and received.read_text().endswith("\n"), 30)
    program, message_id, priority, at, rest = received.read_text().split("|", 4)
    assert ("certferry", "checkpoint", "109") == (program, message_id, priority)
    assert SEALED.sealed_at == datetime.fromisoformat(at)
    assert rest.rstrip().endswith("checkpoint of 0 events")
    assert NOTE == str(note_of(rest))
    assert open_checkpoint(str(note_of(rest)), ORIGIN, [LOG.key], verify_ed25519).checkpoint.size == 0


def test_the_message_has_the_form_of_the_rfc() -> None:
    """RFC 5424, section 6: one line, quotes and brackets escaped in parameters."""
    message = syslog_message(SEALED)
    header = rf"<109>1 2026-03-14T09:26:53\.000005Z \S+ certferry {os.getpid()} checkpoint \[checkpoint@32473 "
    assert re.match(header, message)
    assert 'origin="odd.\\"name\\]\\\\"' in message
    assert "\n" not in message
    assert 2 == message.count(' signature="')


@pytest.mark.parametrize("address", ["", "log", "udp://host", "tcp://:514", "http://host:80", "udp://host:port"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """When the process begins, not at the first checkpoint."""
    with pytest.raises(ValueError, match=r"syslog address|Port"):
        Syslog(address)
