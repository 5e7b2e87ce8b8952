"""Query parameters that nobody understands are refused: a filter that is silently ignored tells a lie."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from litestar import Request
from litestar.routes import HTTPRoute

from api.problems import FieldError, Problem

_TEXTS = frozenset({"q"})
"""Parameters whose value may be any word, `null` too (msgspec takes that word for a missing value)."""


class Known(NamedTuple):
    """The parameters of a route; those in `lists` may come several times."""

    names: frozenset[str]
    lists: frozenset[str]


Routes = dict[tuple[str, str], HTTPRoute]
_NONE = Known(frozenset(), frozenset())


def _known(request: Request[Any, Any, Any]) -> Known:
    """The parameters of the route that was asked."""
    routes: Routes | None = request.app.state.routes
    if routes is None:
        routes = request.app.state.routes = {
            (method, route.path_format): route
            for route in request.app.routes
            if isinstance(route, HTTPRoute)
            for method in route.route_handler_map
        }
    route = routes.get((str(request.method), str(request.scope.get("path_template", ""))))
    if route is None:
        return _NONE
    _, model = route.route_handler_map[request.method]
    return Known(
        frozenset(param.field_alias for param in model.expected_query_params),
        frozenset(param.field_alias for param in model.expected_query_params if param.is_sequence),
    )


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise 422 naming what this address does not understand: other names, repeated values, NUL."""
    if not request.scope["query_string"]:
        return
    errors = tuple(_errors(list(request.query_params.multi_items()), _known(request)))
    if errors:
        raise Problem("validation-failed", "; ".join(f"{e.pointer}: {e.detail}" for e in errors), errors=errors)


def _errors(items: list[tuple[str, Any]], known: Known) -> Iterator[FieldError]:
    there = ", ".join(sorted(known.names)) or "none"
    for name, times in Counter(name for name, _ in items).items():
        if name not in known.names:
            yield FieldError(name, f"There is no such parameter here; there are {there}.", "query")
        elif times > 1 and name not in known.lists:
            yield FieldError(name, "It is given more than once.", "query")
    for name, value in items:
        if "\0" in str(value):
            yield FieldError(name, "It must not contain the character NUL.", "query")
        elif str(value).lower() == "null" and name in known.names - known.lists - _TEXTS:
            yield FieldError(name, "Leave it out, or give it a value.", "query")
