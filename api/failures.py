"""Every exception becomes a problem; what nobody expected is logged under an id that the answer names."""

import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, InternalServerException, ValidationException

from api.problems import MEDIA_TYPE, SLUG_OF_STATUS, FieldError, Problem, document, fragment, of_refusal
from api.services import Services
from application.leaf import NotStorable
from application.ports import CommandIdReused, LogUnavailable
from domain.errors import Refused
from projections.rows import BadCursor

log = logging.getLogger("certferry.api")

Handlers = dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]]
ShowProblem = Callable[[dict[str, Any], dict[str, str]], Response[Any]]
_NO_GUESSING = {"X-Content-Type-Options": "nosniff"}
_CLIENT_GONE = "client disconnected prematurely"
_NAMED_ELSE = {"if_match": "If-Match", "idempotency_key": "Idempotency-Key", "states": "state", "from_size": "from"}
"""Parameters that have another name in the program than in a request."""
_FORMS = {
    "If-Match": 'Send one ETag, quotes included, for example "3"; or * for any version.',
    "Idempotency-Key": "Write 1 to 255 visible ASCII characters, without spaces.",
    "expires_within": "Write a number and h, d or w: 12h, 30d, 6w.",
}
"""What to write instead, where a regular expression would be all that is told."""


def exception_handlers(services: Services) -> Handlers:
    """For `Litestar(exception_handlers=...)`."""
    handlers: Handlers = {
        Problem: answer,
        Refused: lambda request, error: answer(request, of_refusal(error)),
        ValidationException: _invalid,
        HTTPException: _http,
        CommandIdReused: lambda request, _: answer(request, _reused()),
        LogUnavailable: _unavailable,
        BadCursor: lambda request, error: answer(request, bad_parameter("cursor", f"{error}.")),
        NotStorable: lambda request, error: answer(request, Problem("validation-failed", f"{error}.")),
        Exception: _unexpected,
    }
    return handlers | dict.fromkeys(services.unreachable, _unavailable) | dict.fromkeys(services.unbuilt, _unbuilt)


def answer(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """The response to a problem; htmx gets a piece of HTML to show."""
    body = document(problem.slug, problem.detail, request.scope["path"], problem.errors, problem.members)
    return _response(request, body, problem.headers)


def bad_parameter(name: str, detail: str, place: str = "query") -> Problem:
    """A query or header parameter that is not valid."""
    return Problem("validation-failed", detail, errors=(FieldError(name, detail, place),))


def _response(request: Request[Any, Any, Any], body: dict[str, Any], headers: dict[str, str]) -> Response[Any]:
    headers = {"Cache-Control": "no-store", "Vary": "Accept, HX-Request", **_NO_GUESSING} | headers
    status: int = body["status"]
    show: ShowProblem | None = request.app.state.get("show_problem")
    if show is not None and _wants_page(request):
        return show(body, headers)
    if "hx-request" in request.headers:
        return Response(fragment(body), status_code=status, headers=headers, media_type="text/html")
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    """Does a person look at this in a browser? Below /api/ programs ask."""
    is_page = not request.scope["path"].startswith("/api/") and "hx-request" not in request.headers
    return is_page and "text/html" in request.headers.get("accept", "")


def _invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    found = error.extra if isinstance(error.extra, list) else []
    errors = tuple(_field_error(item) for item in found if isinstance(item, dict))
    detail = "; ".join(f"{item.pointer or 'The body'}: {item.detail}" for item in errors) or error.detail
    return answer(request, Problem("validation-failed", detail, errors=errors))


def _field_error(item: dict[str, Any]) -> FieldError:
    place = str(getattr(item.get("source"), "value", item.get("source") or "query"))
    if place == "body":
        return FieldError("", "It is missing; send JSON.")
    name, message = str(item.get("key", "")), str(item.get("message", ""))
    name = _NAMED_ELSE.get(name, name)
    return FieldError(name, _FORMS.get(name, message) if "matching regex" in message else message, place)


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, InternalServerException) and error.detail == _CLIENT_GONE:
        return answer(request, Problem("malformed-request", "The connection ended before the body did."))
    slug = SLUG_OF_STATUS.get(error.status_code)
    if slug is None:
        return _unexpected(request, error)
    headers = dict(error.headers or {})
    if slug == "unavailable":
        headers.setdefault("Retry-After", "1")
    headers = {name: f"{value}, HEAD" if _allows_get(name, value) else value for name, value in headers.items()}
    return answer(request, Problem(slug, _sentence(request, slug, error.detail), headers=headers))


def _allows_get(header: str, value: str) -> bool:
    return header.lower() == "allow" and "GET" in value


def _sentence(request: Request[Any, Any, Any], slug: str, detail: str) -> str:
    if slug == "not-found":
        return f"There is nothing at {request.scope['path']}."
    if slug == "method-not-allowed":
        return f"{request.scope['path']} does not understand {request.method}."
    if slug == "payload-too-large":
        return "The body is larger than this address takes."
    return detail


def _reused() -> Problem:
    return Problem("idempotency-key-reused", "This Idempotency-Key was sent before with another body.")


def _unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("not available: %s", type(error).__name__)
    sentence = "The database cannot be reached at the moment. Repeat the request; it does no harm."
    return answer(request, Problem("unavailable", sentence, headers={"Retry-After": "1"}))


def _unbuilt(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("the read models cannot be asked: %s", str(error).partition("\n")[0])
    sentence = (
        "The read models are not there, or not those of this version. A worker makes them: start one "
        "(certferry work), or wait until it is done; /readyz tells."
    )
    return answer(request, Problem("unavailable", sentence, headers={"Retry-After": "1"}))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    occurrence = uuid4()
    # The path may be long or hold control characters: a log line is one line.
    path = re.sub(r"[^\x20-\x7e]", "?", request.scope["path"])[:200]
    log.error("internal error %s in %s %s", occurrence, request.method, path, exc_info=error)
    detail = "An error that nobody foresaw. It is in the log of the service under the id in instance."
    return _response(request, document("internal-error", detail, f"urn:uuid:{occurrence}"), {})
