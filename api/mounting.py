"""Routes as they are mounted: what Litestar would do once more for every level and every path is done once, or later.

A service starts sooner so (benchmarks/startup.py).
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from litestar import Litestar, Request, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from api.security import public


class _ByPath(Router):
    """A router that remembers its handlers by path and method: Litestar gathers them anew for each of them."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        routes = super().register(value)
        for route in routes:
            if not isinstance(route, HTTPRoute):
                raise TypeError(f"{route.path} speaks no HTTP")
            of_path = {method: handler for handler in route.route_handlers for method in handler.http_methods}
            self.route_handler_method_map[route.path] = of_path
        return routes

    @property
    def route_handler_method_map(self) -> dict[str, Any]:
        """Handlers by path and method."""
        by_path: dict[str, Any] = self.__dict__.setdefault("by_path", {})  # Litestar's own __init__ asks for it, too
        return by_path


def _nothing() -> None: ...


class LateApplication(Litestar, _ByPath):
    """An application whose routes read the signatures of their handlers when they are first asked for.

    Litestar reads all of them before it answers anything, which takes longer than everything else that it does.
    """

    _mount_rest: Callable[[], None] = staticmethod(_nothing)

    def register(self, value: ControllerRouterHandler) -> None:  # type: ignore[override] # as Litestar's own
        for route in _ByPath.register(self, value):
            assert isinstance(route, HTTPRoute)
            for handler in route.route_handlers:
                handler.resolve_opts()  # middleware and guards read them before the handler is asked
            route.route_handler_map = _Unread(route, self)
            for plugin in self.plugins.receive_route:
                plugin.receive_route(route)
        self.asgi_router.construct_routing_trie()

    def mount_later(self, make: Callable[[], ControllerRouterHandler], known: tuple[str, ...]) -> None:
        """What `make` gives is mounted when somebody asks for an address that begins with none of `known`, or by
        `read_all`.
        """
        handler = self.asgi_handler

        def mount() -> None:
            self.register(make())
            self._mount_rest, self.asgi_handler = _nothing, handler

        async def mount_first(scope: Scope, receive: Receive, send: Send) -> None:
            if not scope.get("path", known[0]).startswith(known):  # what is no request has none
                self._mount_rest()
            await handler(scope, receive, send)

        self._mount_rest, self.asgi_handler = mount, mount_first

    async def read_all(self, seconds: float = 0.0) -> None:
        """Every route that is still unread after some seconds, one at a time, so that requests come first; a wrong
        signature raises.
        """
        await asyncio.sleep(seconds)
        self._mount_rest()
        for _ in read_routes(self):
            await asyncio.sleep(0)


def read_routes(app: Litestar) -> Iterator[HTTPRoute]:
    """Each route that is still unread, when it has been read."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and isinstance(route.route_handler_map, _Unread):
            route.route_handler_map.read()
            yield route


class _Unread(dict[Any, tuple[HTTPRouteHandler, Any]]):
    """The handlers of a route by method, whose parameters are known only once one of them is looked up.

    Iterating tells the handlers all the same. Reading puts a plain dict in its place.
    """

    def __init__(self, route: HTTPRoute, app: Litestar) -> None:
        super().__init__({method: (each, None) for each in route.route_handlers for method in each.http_methods})
        self._route, self._app = route, app
        if len(self) != sum(len(each.http_methods) for each in route.route_handlers):
            raise ValueError(f"{route.path} has two handlers of one method")

    def __getitem__(self, method: Any) -> tuple[HTTPRouteHandler, Any]:
        return self.read()[method]

    def read(self) -> dict[Any, tuple[HTTPRouteHandler, Any]]:
        """What Litestar's own `register` does for a route."""
        route = self._route
        for handler in route.route_handlers:
            handler.on_registration(self._app)
        route.route_handler_map = {}
        route.create_handler_map()
        return route.route_handler_map


class Mounted(_ByPath):
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
