"""A report as JSON, CSV or HTML: by `format`, or else by Accept."""

from collections.abc import Callable, Iterable
from email.utils import format_datetime
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from litestar import Request, Response
from litestar.params import QueryParameter

from api.paging import CSV, JSON, cell, csv_lines, negotiate
from api.reporting.document import Document
from api.reporting.printing import standalone
from projections.scope import Scope

HTML = "text/html"
Format = Annotated[
    Literal["json", "csv", "html"] | None,
    QueryParameter(description="Instead of Accept, for links: which form the report comes in."),
]
_TYPES = {"json": JSON, "csv": CSV, "html": HTML}
R = TypeVar("R")


def answer(
    request: Request[Any, Any, Any],
    scope: Scope,
    report: R,
    document: Callable[[R], Document],
    wanted: str | None,
) -> Response[R]:
    """The report in the form that is wanted."""
    media_type = chosen(request, wanted)
    if media_type == JSON:
        return _response(msgspec.json.encode(report), JSON, scope)
    if media_type == CSV:
        return _response(as_csv(report), CSV, scope)
    return _response(standalone(document(report)).encode(), HTML, scope)


def chosen(request: Request[Any, Any, Any], wanted: str | None) -> str:
    """The media type that was asked for. Raises 406 where Accept wants none of them."""
    return _TYPES[wanted] if wanted else negotiate(request, JSON, CSV, HTML)


def as_csv(report: Any) -> bytes:
    """Its items as lines (RFC 4180), a column for each field; lists within a cell are separated by semicolons."""
    item, _ = get_args(get_type_hints(type(report))["items"])
    columns = [field.encode_name for field in msgspec.structs.fields(item)]
    items: Iterable[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(report.items))
    return csv_lines([columns, *([cell(found[column]) for column in columns] for found in items)])


def _response(content: bytes, media_type: str, scope: Scope) -> Response[Any]:
    headers = {
        "As-Of-Position": str(scope.position),
        "Memento-Datetime": format_datetime(scope.now.replace(microsecond=0), usegmt=True),
        "Vary": "Accept",
    }
    return Response(content, media_type=media_type, headers=headers)
