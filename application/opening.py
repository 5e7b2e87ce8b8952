"""Opening sealed texts in finished bytes: they are words that no format escapes, so they are found as they are.

JSON is done here, for answers, messages and files alike; other formats where they are made.
"""

import re
from collections.abc import Callable

import msgspec

from application.personal import Opens
from domain.personal import PREFIX

MARK = PREFIX.encode()
_SEALED = re.compile(rb"%s[a-z]+:[0-9a-f]{32}:[A-Za-z0-9_-]+" % MARK)
Escape = Callable[[str], str]


async def open_json(texts: Opens, content: bytes) -> bytes:
    """JSON, a document or lines of it, with every sealed text in it opened."""
    return await opened(texts, content, in_json)


async def opened(texts: Opens, content: bytes, escape: Escape) -> bytes:
    """Bytes of any format, with every sealed text in them opened and escaped as the format wants it."""
    if MARK not in content:
        return content
    found = await texts.open(sealed_in(content))
    return replaced(content, lambda sealed: escape(found[sealed]))


def sealed_in(content: bytes) -> set[str]:
    """Every sealed text in it."""
    return {match.decode() for match in _SEALED.findall(content)}


def replaced(content: bytes, shown: Callable[[str], str]) -> bytes:
    """The same with what `shown` says in the place of every sealed text."""
    return _SEALED.sub(lambda match: shown(match[0].decode()).encode(), content)


def in_json(text: str) -> str:
    """What stands for a text between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1].decode()
