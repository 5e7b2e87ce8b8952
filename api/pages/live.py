"""The stream that tells an open page that there is something new to show."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api.answers import missing
from api.live import KINDS, Live, follow
from api.paging import position_cursor
from api.positions import LARGEST
from api.security import any_role, caller_of, still_admitted
from api.services import Services
from api.streaming import HEADERS, SSE


@get("/live/{kind:str}", opt=any_role(page=True), include_in_schema=False)
async def live_stream(
    request: Request[Any, Any, Any],
    kind: FromPath[str],
    services: NamedDependency[Services],
    after: Annotated[int, QueryParameter(ge=0, le=LARGEST)] = 0,
) -> Stream:
    """`moved` whenever pages of a kind would show something else than after a position (their `data-position`)."""
    if kind not in KINDS:
        raise missing("live page", kind)
    live: Live = request.app.state.live
    told = min(position_cursor(request.headers.get("last-event-id"), after), services.positions.current)
    caller = caller_of(request)
    movement = live.of(kind, services.views.audit_trail, told)
    bytes_ = follow(movement, services.positions, services.streams, told, lambda: still_admitted(request, caller))
    return Stream(bytes_, media_type=SSE, headers=HEADERS)
