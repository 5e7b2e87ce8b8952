"""The history of endpoints: every state, with what was seen, from when until when."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from api.asking import Reading
from api.failures import bad_parameter
from api.paging import Cursor, Limit, listed, pages
from api.presenters.endpoint_history import endpoint_state
from api.schemas.endpoint_history import EndpointHistoryPage, EndpointStateBody
from api.security import any_role
from domain.connector_events import ValidationState
from domain.endpoint import parse_endpoint, parse_server_name
from domain.errors import Refused
from projections.endpoint_history.view import EndpointHistoryFilter

Endpoints = Annotated[
    list[str] | None,
    QueryParameter(name="endpoint", description="`10.0.0.1:443` and the like; repeat it for OR."),
]
ServerNameAsked = Annotated[
    str | None,
    QueryParameter(max_length=253, description="Looked at under this name (SNI); empty: under none."),
]
InStates = Annotated[
    list[ValidationState] | None, QueryParameter(name="state", description="These states; repeat it for OR.")
]


def endpoint_history_filter(
    endpoints: Endpoints = None,
    server_name: ServerNameAsked = None,
    connector_id: FromQuery[list[UUID] | None] = None,
    states: InStates = None,
) -> EndpointHistoryFilter:
    """What the history is narrowed to. Raises 422 for what is no endpoint or no server name."""
    try:
        return EndpointHistoryFilter(
            endpoint=tuple(str(parse_endpoint(text.strip(), pointer="endpoint")) for text in endpoints or () if text),
            server_name=parse_server_name(server_name, pointer="server_name") if server_name else server_name,
            connector_id=tuple(connector_id or ()),
            state=tuple(states or ()),
        )
    except Refused as refused:
        raise bad_parameter(refused.pointer or "endpoint", refused.detail) from None


NARROWED = {"narrow": Provide(endpoint_history_filter, sync_to_thread=False)}


@get("/endpoint-history", opt=any_role(), dependencies=NARROWED)
async def list_endpoint_history(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[EndpointHistoryFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[EndpointHistoryPage]:
    """Every state of endpoints: what was expected, what was served, as it was seen; what began last first."""
    ask = pages(reading.views.endpoint_history.list, narrow)
    fields = EndpointStateBody.__struct_encode_fields__
    return await listed(request, ask, endpoint_state, fields, limit=limit, cursor=cursor)


HANDLERS = [list_endpoint_history]
