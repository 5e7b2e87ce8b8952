"""Logs of the service: one JSON object per line on standard error. Never bodies, never headers."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

_QUIET = ("procrastinate", "psycopg", "uvicorn.error", "httpx", "typed-settings")


class JsonLines(logging.Formatter):
    """Time, level, logger, message; the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message contains."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def log_to_stderr(level: str) -> None:
    """Everything of ours from `level` on; of libraries, warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
