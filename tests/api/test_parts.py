"""The small pure parts: where an error is, what a schema says, what a cell holds, how a topology is drawn."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import json_schema, sessions
from api.body import decode, locate
from api.drawing import draw
from api.etags import etag, expected_version
from api.paging import cell, csv_lines, position_cursor
from api.problems import Problem
from api.schemas.connectors import TopologyBody
from bridge.protocol import KINDS
from domain.colour import Colour
from projections.rows import BadCursor
from tests.support.examples import example


@pytest.mark.parametrize(
    ("message", "pointer", "detail"),
    [
        ("Expected `int`, got `str` - at `$.a`", "/a", "Expected `int`, got `str`."),
        ("Expected `str`, got `int` - at `$.a[2].b_c`", "/a/2/b_c", "Expected `str`, got `int`."),
        ("Expected `str`, got `int` - at `$.a[...].b`", "/a", "Expected `str`, got `int`."),
        ("Object contains unknown field `x/y` - at `$.a`", "/a/x~1y", "Object contains unknown field `x/y`."),
        ("Expected `object`, got `array`", "", "Expected `object`, got `array`."),
        ("Object missing required field `a`", "/a", "Object missing required field `a`."),
        ("Object missing required field `b` - at `$.a[1]`", "/a/1/b", "Object missing required field `b`."),
    ],
)
def test_a_message_of_the_decoder_names_its_place(message: str, pointer: str, detail: str) -> None:
    """As a JSON pointer (RFC 6901)."""
    assert locate(message) == (pointer, detail)


class Anything(msgspec.Struct, forbid_unknown_fields=True):
    text: str = ""
    more: dict[str, Any] = {}


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_comes_in_as_it_is_or_not_at_all(text: str) -> None:
    """Every Unicode text without NUL, however it is escaped, is decoded exactly; one with NUL is refused."""
    decoder = msgspec.json.Decoder(Anything)
    escaped = '{"text": "' + "".join(f"\\u{unit:04x}" for unit in _utf16(text)) + '"}'
    for body in (msgspec.json.encode({"text": text}), escaped.encode()):
        if "\0" in text:
            with pytest.raises(Problem) as refused:
                decode(body, decoder)
            assert refused.value.slug == "validation-failed"
        else:
            assert decode(body, decoder).text == text


def _utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[n : n + 2], "big") for n in range(0, len(raw), 2)]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_problem(body: bytes) -> None:
    """Never another exception."""
    with suppress(Problem):
        assert isinstance(decode(body, msgspec.json.Decoder(Anything)), Anything)


def test_a_backslash_before_u0000_is_no_nul() -> None:
    """The text `\\u0000` with its backslash escaped is six ordinary characters."""
    assert decode(b'{"text": "\\\\u0000"}', msgspec.json.Decoder(Anything)).text == "\\u0000"


LOCAL = {"transport": "local", "root": "/srv/x", "reload_profile": "nginx"}
SSH = LOCAL | {"transport": "ssh", "host": "a", "username": "b", "host_key": "ssh-ed25519 AAAA", "port": 22}


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        (LOCAL, []),
        (SSH, []),
        ({}, ["/s/transport"]),
        ({"transport": "carrier pigeon"}, ["/s/transport"]),
        ({"transport": "local"}, ["/s/root", "/s/reload_profile"]),
        (LOCAL | {"root": 7}, ["/s/root"]),
        (LOCAL | {"root": "/srv/x\n"}, ["/s/root"]),
        (LOCAL | {"host": "a"}, ["/s/host"]),
        (SSH | {"port": 0}, ["/s/port"]),
        (SSH | {"port": 65_536}, ["/s/port"]),
        (SSH | {"port": True}, ["/s/port"]),
        (SSH | {"port": 22.5}, ["/s/port"]),
        (SSH | {"host_key": "x" * 5_000}, ["/s/host_key", "/s/host_key"]),
        ([], ["/s"]),
    ],
)
def test_settings_are_checked_against_the_schema_of_their_kind(value: Any, pointers: list[str]) -> None:
    """With the pointer of every flaw."""
    assert [error.pointer for error in json_schema.errors(value, KINDS["nginx"].settings_schema, "/s")] == pointers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        (" =1", " =1"),
        ("plain", "plain"),
        (-5, -5),
        (None, ""),
        (True, True),
        (["=a", "b"], "'=a; b"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_a_cell_is_never_carried_out(value: object, shown: object) -> None:
    """Only texts can be formulas; numbers stay numbers."""
    assert cell(value) == shown


def test_lines_of_csv_are_quoted() -> None:
    """RFC 4180: quotes, commas and line breaks inside of a cell."""
    assert csv_lines([['a "b", c', "d\ne"]]) == b'"a ""b"", c","d\ne"\r\n'


def test_versions_and_their_tags() -> None:
    """Any version for `*` and for none on a POST; 428 where one must be named; 412 for no version."""
    assert expected_version(etag(3), "PATCH") == 3
    assert expected_version("*", "DELETE") is None
    assert expected_version(None, "POST") is None
    for header, method, slug in (
        (None, "PATCH", "precondition-required"),
        ("3", "POST", "version-conflict"),
        ('W/"3"', "POST", "version-conflict"),
        ('"99999999999999999999"', "POST", "version-conflict"),
    ):
        with pytest.raises(Problem) as refused:
            expected_version(header, method)
        assert refused.value.slug == slug


def test_positions_as_cursors() -> None:
    """A decimal number, or the position given; nothing else."""
    assert position_cursor(None, 7) == 7
    assert position_cursor("12", 7) == 12
    for wrong in ("", "-1", "1.5", "x", "١", "9" * 19):
        with pytest.raises(BadCursor):
            position_cursor(wrong, 0)


@given(st.text(max_size=300))
def test_a_cookie_that_was_not_made_here_is_none(text: str) -> None:
    """Whatever it is."""
    assert sessions.read(text, b"k" * 32, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("colour", list(Colour))
def test_every_colour_can_be_drawn(colour: Colour) -> None:
    """With its meaning in words, and a removed association as a dashed line."""
    topology = msgspec.structs.replace(example(TopologyBody))
    certificate = msgspec.structs.replace(topology.certificate, colour=colour, common_name="<&>")
    svg = draw(msgspec.structs.replace(topology, certificate=certificate))
    assert "&lt;&amp;&gt;" in svg
    assert svg.count("<svg") == svg.count("</svg>") == 1


def test_an_empty_topology_can_be_drawn() -> None:
    """A certificate without any connector."""
    topology = msgspec.structs.replace(example(TopologyBody), bridges=(), connectors=())
    assert draw(topology).startswith("<svg ")


def test_a_session_is_read_as_it_was_written() -> None:
    """By whoever has the key."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    session = sessions.start(UUID(int=7), 9, now, now + timedelta(hours=1), 60)
    assert sessions.read(sessions.write(session, b"k" * 32), b"k" * 32, datetime(2026, 1, 1, tzinfo=UTC)) == session
