"""Routes as they are mounted: what Litestar would do once more for every level and every path is done once.

A service starts sooner so (benchmarks/startup.py).
"""

from collections.abc import Sequence
from typing import Any, Self

from litestar import Request, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from api.security import public


class Mounted(Router):
    """A router made for one application, which takes it as it is: others are copied with all that is in them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def with_options(handlers: Sequence[ControllerRouterHandler]) -> list[ControllerRouterHandler]:
    """These, and first of all one for OPTIONS of all their paths: else each path would get one of its own."""
    paths = {path for handler in handlers if isinstance(handler, HTTPRouteHandler) for path in handler.paths}
    answering = HTTPRouteHandler(
        sorted(paths), http_method="OPTIONS", opt=public(), include_in_schema=False, sync_to_thread=False
    )
    return [answering(_allowed), *handlers]


def _allowed(request: Request[Any, Any, Any]) -> Response[None]:
    """Which methods there are, told to everybody; those of all routes of an address."""
    wanted = request.scope.get("path_template")
    routes = [route for route in request.app.routes if isinstance(route, HTTPRoute) and route.path_format == wanted]
    methods = {method for route in routes for method in route.route_handler_map}
    methods |= {"HEAD"} if "GET" in methods else set()
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(methods))})
