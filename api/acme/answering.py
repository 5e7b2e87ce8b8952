"""Answers: each with a fresh nonce and the way to the directory (RFC 8555, 6.5 and 7.1)."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from api.acme.addresses import ROOT, addresses
from api.acme.problems import AcmeProblem, problem_of, unavailable
from api.acme.signed import nonces
from api.failures import Handlers
from api.services import Services
from application.ports import LogUnavailable
from domain.errors import Refused

log = logging.getLogger("certferry.api")
Answer = Callable[[Request[Any, Any, Any], Any], Response[Any]]
JSON, PROBLEM = "application/json", "application/problem+json"


def reply(
    request: Request[Any, Any, Any],
    services: Services,
    body: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    links: tuple[str, ...] = (),
    media_type: str = JSON,
) -> Response[bytes]:
    """An answer to a signed request, or to whoever wants a nonce."""
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    index = f'<{addresses(request, services).directory}>;rel="index"'
    found = {
        "Replay-Nonce": nonces(services).make(services.now()),
        "Link": ", ".join((index, *links)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, status_code=status, headers=found | dict(headers or {}), media_type=media_type)


def exception_handlers(services: Services) -> Handlers:
    """For the routes below `/acme`."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return _problem(request, services, problem_of(error))

    def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        log.error("internal error in %s %s", request.method, request.scope.get("path_template"), exc_info=error)
        return answer(request, error)

    def away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        log.warning("not available: %s", type(error).__name__)
        return _problem(request, services, unavailable())

    handlers: Handlers = {Exception: unexpected, LogUnavailable: away}
    handlers |= dict.fromkeys((AcmeProblem, Refused, HTTPException), answer)
    return handlers | dict.fromkeys(services.unreachable, away)


def or_acme_problem(services: Services, usual: Answer) -> Answer:
    """For what no route takes (RFC 8555, 6.3: a GET where there is only POST): below `/acme` an ACME problem, too."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if request.scope["path"].startswith(f"{ROOT}/"):
            return _problem(request, services, problem_of(error))
        return usual(request, error)

    return answer


def _problem(request: Request[Any, Any, Any], services: Services, problem: AcmeProblem) -> Response[Any]:
    return reply(
        request,
        services,
        problem.document(),
        status=problem.status,
        headers=problem.headers,
        media_type=PROBLEM,
    )
