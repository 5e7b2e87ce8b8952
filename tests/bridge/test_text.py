"""Text from elsewhere, fit for a log line and a report."""

import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.logs import JsonLines, where
from bridge.text import clean, has_control


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("nginx: [emerg] bad\nnginx: failed\n", "nginx: [emerg] bad nginx: failed"),
        ("\x1b[31mred\x1b[0m and \x1b]no", "red and no"),
        ("a\x00b\x07c", "abc"),
        ("tab\tand  spaces", "tab and spaces"),
        ("admin\u202etxt.exe", "admintxt.exe"),
        ("line\u2028separator", "line separator"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Grüße, 世界", "Grüße, 世界"),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    """Words stay, control characters go, line breaks become spaces."""
    assert cleaned == clean(text).replace("  ", " ")


@given(st.text(), st.integers(1, 50))
def test_whatever_comes_the_result_is_one_short_line(text: str, limit: int) -> None:
    """No control character is left, no line break, and the limit holds."""
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not has_control(cleaned)
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cs", "Zl", "Zp"}


def test_a_cut_is_shown() -> None:
    """An ellipsis, within the limit."""
    assert "abcd…" == clean("abcdefgh", 5)


def test_a_log_line_is_one_json_object() -> None:
    """CR, LF, ANSI and quotes in a value cannot make a second line or a second member."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "reported", None, None)
    record.facts = {"message": 'a\r\n{"event":"forged"}\x1b[2K"]', "stale": False, "fence": 3}
    line = JsonLines().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert ("reported", False, 3) == (told["event"], told["stale"], told["fence"])
    assert 'a {"event":"forged"}"]' == told["message"]


def test_where_an_error_came_from_without_its_words() -> None:
    """Type and place, never the message: it could quote a secret."""
    try:
        raise ValueError("canary-secret")
    except ValueError as error:
        told = where(error)
    assert told.startswith("ValueError at ")
    assert "test_text.py" in told
    assert "canary" not in told
