"""Syslog messages as RFC 5424 has them, section 6: header, one element of structured data, text.

<109>1 2026-11-26T13:00:00.000000Z host certferry 4711 certificate.issued [event@32473 position="42" ...] {"id":...}
"""

import os
import re
import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache

import msgspec

_AUDIT = 13  # facility log audit (section 6.2.1)
_ENTERPRISE = "32473"  # the enterprise number of RFC 5612: ours has none
_APP_NAME = "certferry"
_LONGEST_HOST, _LONGEST_ID = 255, 32
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]", re.ASCII)
_SPECIAL = re.compile(r'(["\\\]])')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Severity(IntEnum):
    """Section 6.2.1, table 2."""

    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: MSGID, cut after 32 characters. `element`: the name of the structured data, `values` what it holds, in
    order. `text`: ASCII (a text beyond that would begin with a byte order mark, which parsers of JSON refuse).
    """

    severity: Severity
    at: datetime
    kind: str
    element: str
    values: tuple[tuple[str, str], ...]
    text: str = ""


def encoded(message: Message) -> bytes:
    """The whole message, in one line."""
    at = message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    kind = _printable(message.kind, _LONGEST_ID)
    header = f"<{_AUDIT * 8 + message.severity}>1 {at} {_host_name()} {_APP_NAME} {os.getpid()} {kind}"
    text = f" {message.text}" if message.text else ""
    return f"{header} [{message.element}@{_ENTERPRISE}{_parameters(message.values)}]{text}".encode()


def _parameters(values: Iterable[tuple[str, str]]) -> str:
    """Section 6.3.3: quotes, backslashes and closing brackets are escaped. Control characters, which receivers would
    change, become U+FFFD.
    """
    told = ((name, _SPECIAL.sub(r"\\\1", _CONTROL.sub("\ufffd", value))) for name, value in values)
    return "".join(f' {name}="{value}"' for name, value in told)


@cache
def _host_name() -> str:
    return _printable(socket.gethostname(), _LONGEST_HOST)


def _printable(text: str, longest: int) -> str:
    return _UNPRINTABLE.sub("", text)[:longest] or "-"
