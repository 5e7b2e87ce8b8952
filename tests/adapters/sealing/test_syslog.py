"""Checkpoints as RFC 5424 messages, received by a real rsyslog over each transport."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.keys.ed25519 import NoteSigner, verify_ed25519
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.syslog import Syslog, note_of, syslog_message
from domain.transparency.checkpoint import Checkpoint, open_checkpoint
from domain.transparency.hashing import EMPTY_ROOT
from domain.transparency.keys import signed
from tests.support.rsyslog import rsyslogd

ORIGIN = 'odd."name]\\'
LOG = NoteSigner.named(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
NOTE = str(signed(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text, [LOG, LOG]))
SEALED = Sealed(1, 0, EMPTY_ROOT, NOTE, datetime(2026, 3, 14, 9, 26, 53, 5, tzinfo=UTC))


@pytest.mark.parametrize("transport", ["local", "udp", "tcp"])
def test_a_checkpoint_arrives_whole(tmp_path: Path, transport: str) -> None:
    """Facility and severity, message id, instant; and the structured data give back the signed note."""
    with rsyslogd(tmp_path) as daemon:
        Syslog(daemon.address(transport)).send(SEALED)
        [received] = daemon.wait_for(1)
    assert ("certferry", "checkpoint", "109") == (received.app_name, received.message_id, received.priority)
    assert SEALED.sealed_at == datetime.fromisoformat(received.at)
    assert "checkpoint of 0 events" == received.text
    told = note_of(f" {received.structured_data}")
    assert NOTE == str(told)
    assert open_checkpoint(str(told), ORIGIN, [LOG.key], verify_ed25519).checkpoint.size == 0


def test_the_message_has_the_form_of_the_rfc() -> None:
    """RFC 5424, section 6: one line, quotes and brackets escaped in parameters."""
    message = syslog_message(SEALED).decode()
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
