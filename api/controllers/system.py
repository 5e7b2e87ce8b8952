"""The service itself: alive, ready, figures, description, Local PKI's certificate, what CAs look for."""

import asyncio
import re
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import PathParameter
from msgspec import Meta

from api.docs_page import PAGE, START
from api.metrics import CONTENT_TYPE, Metrics
from api.openapi import describe
from api.paging import JSON
from api.problems import Problem
from api.security import public
from api.services import Check, Services

CHECK_SECONDS = 2.0
_FOR_A_WHILE = {"Cache-Control": "public, max-age=300"}
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
PEM = "application/x-pem-file"


class StatusBody(msgspec.Struct, frozen=True):
    """How the service is; `checks` says for each part `ok` or what is wrong."""

    status: Annotated[str, Meta(examples=["ok"])]
    checks: dict[str, str]


@get("/livez", opt=public(), sync_to_thread=False)
def livez() -> Response[StatusBody]:
    """Is the process alive? Asks nothing else."""
    return _status(StatusBody("ok", {}), 200)


@get("/readyz", opt=public())
async def readyz(services: NamedDependency[Services]) -> Response[StatusBody]:
    """Can it serve? 503 with what is wrong, if not."""
    names = list(services.checks)
    found = await asyncio.gather(*(_checked(services.checks[name]) for name in names))
    if not services.directory.trustworthy:
        names, found = [*names, "directory"], [*found, "The ledger cannot be followed, so tokens cannot be checked."]
    ready = all(outcome is None for outcome in found)
    checks = {name: outcome or "ok" for name, outcome in zip(names, found, strict=True)}
    return _status(StatusBody("ok" if ready else "not ready", checks), 200 if ready else 503)


@get("/metrics", opt=public(), media_type="text/plain", sync_to_thread=False)
def metrics(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Response[bytes]:
    """Figures in Prometheus' text format; no ids, no names."""
    found: Metrics = request.app.state.metrics
    return Response(found.render(services.gauges, services.knocks.total), media_type=CONTENT_TYPE)


@get("/openapi.json", opt=public(), include_in_schema=False, sync_to_thread=False)
def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """This description (OpenAPI 3.1)."""
    state = request.app.state
    if state.description is None:
        state.description = msgspec.json.encode(describe(request.app))
    return Response(state.description, media_type="application/json", headers=_FOR_A_WHILE)


@get("/docs", opt=public(), include_in_schema=False, sync_to_thread=False)
def docs() -> Response[str]:
    """The description for reading and trying, without anything from elsewhere."""
    return Response(PAGE, media_type="text/html", headers=_docs_headers())


@get("/docs/start.js", opt=public(), include_in_schema=False, sync_to_thread=False)
def docs_start() -> Response[str]:
    """What starts the description's page."""
    return Response(START, media_type="text/javascript", headers=_FOR_A_WHILE)


@get("/pki/ca.pem", opt=public(), media_type=PEM, sync_to_thread=False)
def get_local_ca(services: NamedDependency[Services]) -> Response[bytes]:
    """The Local PKI's CA certificate: what clients have to trust."""
    found = services.local_ca_pem()
    if found is None:
        raise Problem("not-found", "There is no Local PKI here.")
    return Response(found.encode(), media_type=PEM, headers=_FOR_A_WHILE)


@get("/.well-known/acme-challenge/{token:str}", opt=public(), media_type="text/plain")
async def get_acme_challenge(
    services: NamedDependency[Services],
    token: Annotated[str, PathParameter(description="As the CA chose it (RFC 8555, 8.3).")],
) -> Response[bytes]:
    """What an ACME CA is shown while it validates an order of ours."""
    found = await services.shown_to_acme(token) if TOKEN.fullmatch(token) else None
    if found is None:
        raise Problem("not-found", "Nothing is shown to a CA under this token.")
    return Response(found.encode(), media_type="text/plain", headers={"Cache-Control": "no-store"})


async def _checked(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return "No answer in time."
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
        return f"It failed ({type(error).__name__})."


def _status(body: StatusBody, status: int) -> Response[StatusBody]:
    return Response(body, status_code=status, media_type=JSON, headers={"Cache-Control": "no-store"})


def _docs_headers() -> dict[str, str]:
    policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    return {"Content-Security-Policy": f"{policy} connect-src 'self'; frame-ancestors 'none'"} | _FOR_A_WHILE


HANDLERS = [livez, readyz, metrics, openapi, docs, docs_start, get_local_ca, get_acme_challenge]
