"""Checkpoints as syslog messages (RFC 5424).

    <109>1 2026-11-26T13:00:00.000000Z host certferry 4711 checkpoint [checkpoint@32473 origin="..." size="..."
    root="..." signature="— <name> <base64>" ...] checkpoint of 20852163 events

The structured data holds the whole signed note: `note_of` puts it together again.
"""

import re
from pathlib import Path

from adapters.sealing.checkpoints import Sealed
from adapters.syslog.messages import Message, Severity, encoded
from adapters.syslog.receivers import parse_receiver
from adapters.syslog.sending import Trust, line_to
from domain.transparency.note import Note, parse_note

_PARAMETER = re.compile(r' ([a-z]+)="((?:[^"\\\]]|\\.)*)"')
_SECONDS = 5.0


class Syslog:
    """A receiver of checkpoints."""

    def __init__(self, address: str, ca_file: Path | None = None) -> None:
        """Raises ValueError for an address that is none, OSError for a file that cannot be used."""
        self._line = line_to(parse_receiver(address), Trust(ca_file=ca_file), timeout=_SECONDS)

    def send(self, sealed: Sealed) -> None:
        """One message. Raises OSError."""
        self._line.send([syslog_message(sealed)])


def syslog_message(sealed: Sealed) -> bytes:
    """The whole message."""
    note = parse_note(sealed.note)
    origin, size, root = note.text.split("\n")[:3]
    signatures = tuple(("signature", str(line).removesuffix("\n")) for line in note.signatures)
    message = Message(
        severity=Severity.NOTICE,
        at=sealed.sealed_at,
        kind="checkpoint",
        element="checkpoint",
        values=(("origin", origin), ("size", size), ("root", root), *signatures),
        text=f"checkpoint of {size} events",
    )
    return encoded(message)


def note_of(message: str) -> Note:
    """The signed note of a message. Raises NotProven or KeyError where it holds none."""
    found = [(name, re.sub(r"\\(.)", r"\1", value)) for name, value in _PARAMETER.findall(message)]
    values = dict(found)
    lines = "".join(f"{value}\n" for name, value in found if name == "signature")
    return parse_note(f"{values['origin']}\n{values['size']}\n{values['root']}\n\n{lines}")
