"""Query parameters that nobody understands are refused: a filter that is silently ignored tells a lie."""

from typing import Any

from litestar import Litestar, Request
from litestar.routes import HTTPRoute

from api.problems import FieldError, Problem

Names = dict[tuple[str, str], frozenset[str]]


def known_parameters(app: Litestar) -> Names:
    """The query parameters of each (method, path template)."""
    return {
        (method, route.path_format): frozenset(param.field_alias for param in model.expected_query_params)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (_, model) in route.route_handler_map.items()
    }


def check_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise 422 naming the parameters that this address does not understand."""
    if not request.scope["query_string"]:
        return
    if b"%00" in request.scope["query_string"]:
        raise Problem("validation-failed", "A parameter must not contain the character NUL.")
    names: Names | None = request.app.state.query_parameters
    if names is None:
        names = request.app.state.query_parameters = known_parameters(request.app)
    known = names.get((str(request.method), str(request.scope.get("path_template", ""))), frozenset())
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        errors = tuple(FieldError(name, "There is no such parameter here.", "query") for name in unknown)
        detail = f"Unknown parameter {', '.join(unknown)}; there are {', '.join(sorted(known)) or 'none'}."
        raise Problem("validation-failed", detail, errors=errors)
