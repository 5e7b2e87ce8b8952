"""Walking through pages."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from projections.rows import Page

T = TypeVar("T")


async def walk(ask: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    """All items, page after page."""
    found: list[T] = []
    cursor: str | None = None
    while True:
        page = await ask(cursor)
        found += page.items
        if page.next_cursor is None:
            return found
        assert page.items
        cursor = page.next_cursor
