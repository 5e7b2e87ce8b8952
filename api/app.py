"""The ASGI applications: the API with its pages, and the bridge listener's. `Services` is all they need."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import ResponseHeader, State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from api.acme.answering import or_acme_problem
from api.acme.routes import acme_routes
from api.as_of import stamp
from api.asking import DEPENDENCIES, replay
from api.body import StrictJson
from api.bridge_api.handlers import HANDLERS as BRIDGE_HANDLERS
from api.bridge_api.identity import claimed_peer, peer
from api.controllers import (
    acme_clients,
    alerts,
    approval_policies,
    audit_events,
    audit_proofs,
    bridges,
    certificates,
    changes,
    connectors,
    endpoint_history,
    event_schemas,
    evidence,
    expiry_alert_rules,
    issuance_policies,
    legal_holds,
    notification_channels,
    orders,
    pfx_exports,
    pki,
    principals,
    providers,
    push_validation,
    pushing,
    renewing,
    replacements,
    report_schedules,
    reports,
    revoking,
    role_grants,
    standing_approvals,
    system,
    target_systems,
    verification,
    webhook_deliveries,
    webhooks,
    work_orders,
)
from api.directory import start_directory
from api.failures import Handlers, exception_handlers
from api.heads import HeadAsGet
from api.idempotency import Replayed
from api.last_seen import LastSeen
from api.live import Live
from api.metrics import Metrics, measuring
from api.mounting import LateApplication, Mounted, with_options
from api.opening import opening
from api.pages.answering import show_problem
from api.positions import tell_shown
from api.recording import ReadRecorder
from api.security import SignInFirst, admit, keep_session
from api.services import Services

API_HANDLERS: Sequence[ControllerRouterHandler] = [
    *certificates.HANDLERS,
    *pfx_exports.HANDLERS,
    *renewing.HANDLERS,
    *revoking.HANDLERS,
    *connectors.HANDLERS,
    *pushing.HANDLERS,
    *work_orders.HANDLERS,
    *orders.HANDLERS,
    *providers.HANDLERS,
    *acme_clients.HANDLERS,
    *target_systems.HANDLERS,
    *bridges.HANDLERS,
    *verification.HANDLERS,
    *endpoint_history.HANDLERS,
    *replacements.HANDLERS,
    *push_validation.HANDLERS,
    *report_schedules.HANDLERS,
    *reports.HANDLERS,
    *audit_events.HANDLERS,
    *audit_proofs.HANDLERS,
    *changes.HANDLERS,
    *evidence.HANDLERS,
    *alerts.HANDLERS,
    *expiry_alert_rules.HANDLERS,
    *notification_channels.HANDLERS,
    *webhooks.HANDLERS,
    *webhook_deliveries.HANDLERS,
    *principals.HANDLERS,
    *role_grants.HANDLERS,
    *issuance_policies.HANDLERS,
    *approval_policies.HANDLERS,
    *standing_approvals.HANDLERS,
    *legal_holds.HANDLERS,
]
_HEADERS = (
    ResponseHeader(name="X-Content-Type-Options", value="nosniff"),
    ResponseHeader(name="Cache-Control", value="private, no-cache"),
)
OTHER_HANDLERS: Sequence[ControllerRouterHandler] = [*system.HANDLERS, *pki.HANDLERS, *event_schemas.HANDLERS]
WITHOUT_PAGES = ("/api/", "/livez", "/readyz", "/metrics")
"""Beginnings of addresses that are no page's."""
BRIDGE_BODY = 16 * 1_048_576
"""A discovery may bring 1,000 certificates along."""


def create_app(services: Services, *, late_pages: bool = False) -> LateApplication:
    """The REST API, its pages, its documentation. `late_pages`: pages are imported when one is asked for, or by
    `read_all`, so that the API answers sooner.
    """
    api = Mounted(
        "/api/v1",
        route_handlers=with_options(API_HANDLERS),
        dto=StrictJson,
        return_dto=None,
        response_headers=_HEADERS,
    )
    others = Mounted("/", route_handlers=with_options(OTHER_HANDLERS))
    app = LateApplication(
        route_handlers=[api, others, acme_routes(services)],
        guards=[admit],
        middleware=[measuring, opening],
        before_send=[tell_shown, stamp, keep_session],
        dependencies={"services": Provide(lambda: services, sync_to_thread=False), **DEPENDENCIES},
        exception_handlers=_handlers(services),
        lifespan=[_running],
        request_max_body_size=services.settings.max_body,
        openapi_config=None,
        logging_config=None,
        state=_state(services),
    )
    app.asgi_handler = HeadAsGet(app.asgi_handler)
    if late_pages:
        app.mount_later(lambda: _pages(app), WITHOUT_PAGES)
    else:
        app.register(_pages(app))
    return app


def _pages(app: Litestar) -> Mounted:
    from api.pages.routes import page_routes

    app.state.routes = None  # there are more now
    return Mounted("/", route_handlers=with_options(page_routes()))


def create_bridge_app(services: Services) -> LateApplication:
    """The control plane's side of the bridge protocol; who speaks is known by the connection's client certificate."""
    return LateApplication(
        route_handlers=[Router("/", route_handlers=BRIDGE_HANDLERS, dto=StrictJson, return_dto=None)],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "peer": Provide(peer),
            "claimed_peer": Provide(claimed_peer),
        },
        exception_handlers=exception_handlers(services),
        request_max_body_size=BRIDGE_BODY,
        openapi_config=None,
        logging_config=None,
    )


def _state(services: Services) -> State:
    return State(
        {
            "services": services,
            "show_problem": show_problem,
            "description": None,
            "last_seen": LastSeen(),
            "metrics": Metrics(),
            "routes": None,
            "read_recorder": ReadRecorder(),
            "live": Live(),
        }
    )


def _handlers(services: Services) -> Handlers:
    usual = exception_handlers(services)
    ours: Handlers = {Replayed: replay, SignInFirst: _sign_in}
    unrouted: Handlers = {HTTPException: or_acme_problem(services, usual[HTTPException])}
    return usual | unrouted | ours


def _sign_in(request: Request[Any, Any, Any], _: SignInFirst) -> Response[Any]:
    """People are sent to the sign-in page and come back to where they wanted to be."""
    wanted = request.scope["path"] if request.method == "GET" else "/"
    return Redirect("/login", status_code=303, query_params={"next": wanted})


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    """What runs beside the requests: the directory of callers, the bridges' signs of life, what failed."""
    services: Services = app.state.services
    house = services.house
    services.directory.on_erasure = house.texts.forget
    following = await start_directory(
        services.directory, house.log, services.views.principals, services.positions, services.now()
    )
    seen = asyncio.create_task(app.state.last_seen.follow(house.presence, house.clock))
    telling = asyncio.create_task(services.knocks.follow(house))
    keeping = asyncio.create_task(house.texts.keep_fresh())
    noting = asyncio.create_task(services.token_uses.follow(house.token_uses))
    tasks = (following, seen, telling, keeping, noting)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.state.read_recorder.finish()
        await services.knocks.finish(house)
        await services.token_uses.finish(house.token_uses)
