"""A report as JSON, CSV or HTML: by `format`, or else by Accept."""

from collections.abc import Callable, Iterator
from email.utils import format_datetime
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from litestar import Request, Response
from litestar.params import QueryParameter

from api.paging import CSV, JSON, cell, csv_lines, negotiate
from api.reporting.document import Document
from api.reporting.printing import standalone
from projections.reading.apart import apart
from projections.scope import Scope

HTML = "text/html"
Format = Annotated[
    Literal["json", "csv", "html"] | None,
    QueryParameter(description="Instead of Accept, for links: which form the report comes in."),
]
_TYPES = {"json": JSON, "csv": CSV, "html": HTML}
R = TypeVar("R", bound=msgspec.Struct)

_AT_A_TIME = 500


async def answer(
    request: Request[Any, Any, Any],
    scope: Scope,
    report: R,
    document: Callable[[R], Document],
    wanted: str | None,
) -> Response[R]:
    """The report in the form that is wanted."""
    media_type = chosen(request, wanted)
    return written(await apart(lambda: as_bytes(report, document, media_type)), media_type, scope)


def as_bytes(report: R, document: Callable[[R], Document], media_type: str) -> bytes:
    """The report in one of its forms: work that takes a while for a long one (projections.reading.apart)."""
    if media_type == JSON:
        return as_json(report)
    return as_csv(report) if media_type == CSV else standalone(document(report)).encode()


def chosen(request: Request[Any, Any, Any], wanted: str | None) -> str:
    """The media type that was asked for. Raises 406 where Accept wants none of them."""
    return _TYPES[wanted] if wanted else negotiate(request, JSON, CSV, HTML)


def as_json(report: msgspec.Struct) -> bytes:
    """The report, whose last field are its items; these in parts: nobody has a turn while one is encoded."""
    parts = [part[1:-1] for part in _encoded(report)]
    without = msgspec.json.encode(msgspec.structs.replace(report, items=()))
    return without[:-2] + b",".join(parts) + without[-2:]


def _encoded(report: Any) -> Iterator[bytes]:
    """Its items, some at a time, as JSON arrays."""
    for start in range(0, len(report.items), _AT_A_TIME):
        yield msgspec.json.encode(report.items[start : start + _AT_A_TIME])


def as_csv(report: Any) -> bytes:
    """Its items as lines (RFC 4180), a column for each field; lists within a cell are separated by semicolons."""
    item, _ = get_args(get_type_hints(type(report))["items"])
    columns = [field.encode_name for field in msgspec.structs.fields(item)]
    items = (found for part in _encoded(report) for found in msgspec.json.decode(part))
    return csv_lines([columns, *([cell(found[column]) for column in columns] for found in items)])


def written(content: bytes, media_type: str, scope: Scope) -> Response[Any]:
    """A report in one of its forms."""
    headers = {
        "As-Of-Position": str(scope.position),
        "Memento-Datetime": format_datetime(scope.now.replace(microsecond=0), usegmt=True),
        "Vary": "Accept",
    }
    return Response(content, media_type=media_type, headers=headers)
