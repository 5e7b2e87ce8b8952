"""RFC 5424, section 6, read from its grammar: what a message says, independently of what writes it."""

import re
from datetime import datetime
from typing import NamedTuple

_HEADER = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>(?P<version>[1-9][0-9]{0,2})"
    rb" (?P<at>-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2}))"
    rb" (?P<host>[\x21-\x7e]{1,255}) (?P<app>[\x21-\x7e]{1,48}) (?P<process>[\x21-\x7e]{1,128})"
    rb" (?P<kind>[\x21-\x7e]{1,32}) "
)
_NAME = re.compile(rb'[^\x00-\x20="\]\x7f-\xff]{1,32}')


class Parsed(NamedTuple):
    """A message with one element of structured data."""

    facility: int
    severity: int
    at: datetime
    app_name: str
    kind: str
    element: str
    parameters: list[tuple[str, str]]
    text: bytes


def parse(message: bytes) -> Parsed:
    """Raises AssertionError where it is none."""
    header = _HEADER.match(message)
    assert header is not None, message
    assert (header["version"], message[header.end() : header.end() + 1]) == (b"1", b"[")
    element, parameters, at = parse_element(message, header.end())
    assert message[at : at + 1] in {b"", b" "}, message
    priority = int(header["pri"])
    return Parsed(
        facility=priority // 8,
        severity=priority % 8,
        at=datetime.fromisoformat(header["at"].decode()),
        app_name=header["app"].decode(),
        kind=header["kind"].decode(),
        element=element,
        parameters=parameters,
        text=message[at + 1 :],
    )


def parse_element(data: bytes, at: int = 0) -> tuple[str, list[tuple[str, str]], int]:
    """One SD-ELEMENT from its opening bracket on: its SD-ID, its parameters, and where it has ended."""
    name = _NAME.match(data, at + 1)
    assert name is not None
    at, parameters = name.end(), list[tuple[str, str]]()
    while data[at : at + 1] == b" ":
        key = _NAME.match(data, at + 1)
        assert key is not None
        assert data[key.end() : key.end() + 2] == b'="'
        value, at = _value(data, key.end() + 2)
        parameters.append((key[0].decode(), value))
    assert data[at : at + 1] == b"]"
    return name[0].decode(), parameters, at + 1


def _value(data: bytes, at: int) -> tuple[str, int]:
    """PARAM-VALUE: up to the first quote without a backslash; the place after that."""
    found = bytearray()
    while data[at] != ord('"'):
        if data[at] == ord("\\") and data[at + 1] in b'"\\]':
            at += 1
        else:
            assert data[at] != ord("]"), "a closing bracket must be escaped"
        found.append(data[at])
        at += 1
    return found.decode(), at + 1
