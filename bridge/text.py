"""Text from elsewhere (services, servers, files), made fit for one line of a log and for a report."""

import re
import unicodedata

from bridge.protocol import MAX_MESSAGE

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029 ]+")
_REMOVED = {"Cc", "Cf", "Cs"}  # control characters, invisible formatting, lone surrogates


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """The same words without control characters, on one line, at most `limit` characters (an ellipsis shows a cut)."""
    line = _BREAKS.sub(" ", _ANSI.sub("", text)).strip()
    if not line.isprintable():
        line = "".join(character for character in line if unicodedata.category(character) not in _REMOVED)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def has_control(text: str) -> bool:
    """Whether the text holds anything that `clean` would remove (line breaks too)."""
    return any(unicodedata.category(character) in _REMOVED or character in "\u2028\u2029" for character in text)
