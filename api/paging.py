"""Lists: keyset pages with opaque cursors, and whole lists as NDJSON or CSV in batches."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response
from litestar.params import QueryParameter
from litestar.response import Stream

from api.negotiation import best_match
from api.positions import LARGEST
from api.problems import Problem
from projections.rows import BadCursor, Page

F = TypeVar("F")
T = TypeVar("T")
F_contra = TypeVar("F_contra", contravariant=True)

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
LARGEST_PAGE = 200
Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_PAGE, description="Items per page.")]
Cursor = Annotated[
    str | None, QueryParameter(min_length=1, max_length=1000, description="next_cursor of the page before.")
]

# What spreadsheets take for the beginning of a formula, some of them in its full-width form too (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

AfterPosition = Annotated[
    int, QueryParameter(ge=0, le=LARGEST, description="Only events after this position.", schema_extra={"minimum": 0})
]


def position_cursor(cursor: str | None, after_position: int) -> int:
    """Lists of events go on after a position. Raises BadCursor."""
    if cursor is None:
        return after_position
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise BadCursor("this cursor was not made by this list")
    return int(cursor)


def negotiate(request: Request[Any, Any, Any], *offered: str) -> str:
    """The best media type for the request's Accept, the first one without any. Raises 406 where none will do."""
    accept = ", ".join(request.headers.getall("accept", []))
    if not accept:
        return offered[0]
    found = best_match(accept, offered)
    if found is None:
        raise Problem("not-acceptable", f"This address speaks {', '.join(offered)}.")
    return found


async def listed(
    request: Request[Any, Any, Any],
    ask: Callable[[int, str | None], Awaitable[Page[T]]],
    present: Callable[[T], Any],
    columns: Sequence[str],
    *,
    limit: int,
    cursor: str | None,
) -> Response[Any]:
    """What a list answers, given the question for `limit` items after a cursor: a page, or all as NDJSON or CSV."""
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, to_the_end(ask), present, columns)
    found = await ask(limit, cursor)
    return page(request, [present(item) for item in found.items], found.next_cursor)


class _Listing(Protocol[F_contra, T]):
    def __call__(self, narrow: F_contra, /, *, limit: int, cursor: str | None) -> Awaitable[Page[T]]: ...


def pages(listing: _Listing[F, T], narrow: F) -> Callable[[int, str | None], Awaitable[Page[T]]]:
    """The question of `listed`, put to a read model as it is."""

    def ask(limit: int, cursor: str | None) -> Awaitable[Page[T]]:
        return listing(narrow, limit=limit, cursor=cursor)

    return ask


async def to_the_end(ask: Callable[[int, str | None], Awaitable[Page[T]]]) -> AsyncIterator[Sequence[T]]:
    """A whole list, page after page."""
    cursor: str | None = None
    while True:
        found = await ask(LARGEST_PAGE, cursor)
        yield found.items
        if (cursor := found.next_cursor) is None:
            return


def numbered(found: Sequence[T], limit: int, position: Callable[[T], int]) -> Page[T]:
    """A page of `limit` out of up to `limit + 1` items, whose cursor is the position of the last one."""
    following = str(position(found[limit - 1])) if len(found) > limit else None
    return Page(tuple(found[:limit]), following)


def page(request: Request[Any, Any, Any], items: Sequence[Any], next_cursor: str | None, **about: Any) -> Response[Any]:
    """One page as JSON, with a Link to the next (RFC 8288); `about` are further members, of the whole list."""
    content = msgspec.json.encode({**about, "items": items, "next_cursor": next_cursor})
    return Response(content, media_type="application/json", headers=next_page(request, next_cursor))


def array(
    request: Request[Any, Any, Any], items: Sequence[Any], next_cursor: str | None, media_type: str
) -> Response[Any]:
    """One page as a JSON array, for media types that leave no room for more; the next page is in Link."""
    return Response(msgspec.json.encode(items), media_type=media_type, headers=next_page(request, next_cursor))


def next_page(request: Request[Any, Any, Any], next_cursor: str | None) -> dict[str, str]:
    """The header that points to the next page (RFC 8288)."""
    return {"Link": f'<{_next(request, next_cursor)}>; rel="next"'} if next_cursor else {}


def _next(request: Request[Any, Any, Any], cursor: str) -> str:
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return f"{request.scope['path']}?{urlencode([(k, v) for k, v in query if k != 'cursor'] + [('cursor', cursor)])}"


async def export(
    media_type: str, batches: AsyncIterator[Sequence[T]], present: Callable[[T], Any], columns: Sequence[str]
) -> Response[Any]:
    """A whole list as NDJSON or CSV, batch by batch: memory stays flat however long it is.

    The first batch is read before the answer begins: what fails until then is a problem, not half a list.
    """
    write = _ndjson if media_type == NDJSON else _csv
    first = await anext(batches, None) or ()  # a tuple as anext's default is a SystemError (CPython 3.11)
    return Stream(write(_with(first, batches), present, columns), media_type=media_type)


async def _with(first: Sequence[T], others: AsyncIterator[Sequence[T]]) -> AsyncIterator[Sequence[T]]:
    yield first
    async for batch in others:
        yield batch


async def _ndjson(
    batches: AsyncIterator[Sequence[T]], present: Callable[[T], Any], _: Sequence[str]
) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    async for batch in batches:
        yield encoder.encode_lines([present(item) for item in batch])


async def _csv(
    batches: AsyncIterator[Sequence[T]], present: Callable[[T], Any], columns: Sequence[str]
) -> AsyncIterator[bytes]:
    yield csv_lines([columns])
    async for batch in batches:
        rows = (msgspec.json.decode(msgspec.json.encode(present(item))) for item in batch)
        yield csv_lines([[cell(row.get(column)) for column in columns] for row in rows])


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Lines of CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def cell(value: object) -> object:
    """A value as a cell. Texts that a spreadsheet would take for a formula get an apostrophe in front."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, list):
        return cell("; ".join(_words(part) for part in value))
    if isinstance(value, dict):
        return cell(_words(value))
    return "" if value is None else value


def _words(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
