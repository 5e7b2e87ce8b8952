"""base64url without padding (RFC 7515, section 2), and nothing but that."""

import base64
import re

_URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class NotEncoded(ValueError):
    """The text is no base64url."""


def encoded(data: bytes) -> str:
    """As text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """As bytes. Raises NotEncoded, also for spellings that mean the same bytes in another way."""
    if not _URL.fullmatch(text) or len(text) % 4 == 1:
        raise NotEncoded
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encoded(data) != text:
        raise NotEncoded
    return data
