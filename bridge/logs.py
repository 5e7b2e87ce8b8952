"""The bridge's log: one JSON object per line on standard error, no control characters, never a secret."""

import datetime as dt
import json
import logging
import sys
import traceback

from bridge.text import clean

_LOGGER = logging.getLogger("certferry.bridge")


def say(event: str, level: int = logging.INFO, /, **facts: object) -> None:
    """Log what happened, with facts that are no secrets: ids, names, causes, messages that were cleaned."""
    _LOGGER.log(level, event, extra={"facts": facts})


def where(error: BaseException) -> str:
    """Where an unexpected error came from: types, files and lines, and none of its values, which could be secret."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return f"{type(error).__name__} at " + " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))


class JsonLines(logging.Formatter):
    """One line per record."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "event": clean(record.getMessage())}
        for name, value in getattr(record, "facts", {}).items():
            line[name] = value if isinstance(value, bool | int | float) or value is None else clean(str(value))
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr() -> None:
    """Set up logging for the program. Libraries only speak of what is wrong: some name URLs and users otherwise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    _LOGGER.setLevel(logging.INFO)
