"""The ASGI entry: the API on the adapters, for any ASGI server; `certferry serve` adds the bridges' door.

Settings come from where `certferry` takes them (adapters/settings.py).
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.bootstrap import UNBUILT, UNREACHABLE, Core, open_core
from adapters.health import Health
from adapters.keys.sealing import seal_content
from adapters.notifying.kinds import Kinds
from adapters.settings import load_settings
from adapters.signing_in.argon2id import Argon2Passwords
from adapters.signing_in.configuring import configured
from adapters.starting import check_database
from adapters.syslog.configuring import syslog_watch
from adapters.x509.pfx import make_pfx
from adapters.x509.requests import read_request
from api.app import create_app
from api.directory import Directory
from api.services import AcmeServer, ApiSettings, Check, Services


def services_of(core: Core, health: Health) -> Services:
    """What the API needs, of what was opened."""
    return Services(
        house=core.house,
        views=core.views,
        views_as_of=core.views_as_of,
        moments=core.moments,
        changes=core.changes,
        evidence=core.evidence,
        reader=core.reader,
        directory=Directory(),
        positions=core.position,
        idempotency=core.idempotency,
        run_results=core.results,
        deliveries=core.deliveries,
        notifications=core.notifications,
        channel_kinds=Kinds(),
        origin=core.origin,
        issuers=core.issuers,
        provider_kinds=core.provider_kinds,
        make_pfx=make_pfx,
        read_request=read_request,
        bridge_ca=core.bridge_ca,
        seal=seal_content,
        sealed=core.sealed,
        settings=_settings(core),
        acme=AcmeServer(
            spent=core.spent_nonces,
            rates=core.acme_rates,
            rules=core.acme_rules,
            read_request=read_request,
            issued_by=core.local_pki.issued_by,
            url=core.settings.server.url,
            caa_identities=core.caa_identities,
        ),
        passwords=Argon2Passwords(),
        shown_to_acme=core.challenges.shown,
        local_ca_pem=lambda: core.local_pki.root_pem,
        revocation_status=core.local_pki_status,
        identity_provider=configured(core.settings.oidc, core.house.clock),
        checks=_checks(health),
        gauges=_gauges(health),
        unreachable=UNREACHABLE,
        unbuilt=UNBUILT,
    )


def _settings(core: Core) -> ApiSettings:
    chosen = core.settings
    return ApiSettings(
        session_key=_session_key(core.secret),
        secure_cookies=chosen.server.https,
        session_seconds=chosen.sessions.seconds,
        idle_seconds=chosen.sessions.idle_seconds,
        review_days=chosen.reviews.every_days,
    )


def health_of(core: Core) -> Health:
    """What looks at the service from within."""
    return Health(core.rows, syslog_watch(core.rows, core.settings.syslog))


def _session_key(secret: bytes) -> bytes:
    """The same in every process that has the same master key."""
    return hmac.digest(secret, b"certferry/session cookies/v1", hashlib.sha256)


def _checks(health: Health) -> dict[str, Check]:
    return {"database": health.database, "read_models": health.read_models, "ledger": health.sealing}


def _gauges(health: Health) -> dict[str, Callable[[], float]]:
    return {name: lambda name=name: health.figures.get(name, 0.0) for name in health.names}  # type: ignore[misc] # bound now


class Application:
    """Opens everything when the server starts it up, closes it when the server shuts it down (ASGI lifespan)."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, or the lifespan."""
        if scope["type"] == "lifespan":  # type: ignore[comparison-overlap] # Litestar's Scope leaves it out
            settings = load_settings()
            await asyncio.to_thread(check_database, settings)
            async with open_core(settings) as core, health_of(core) as health:
                self._app = create_app(services_of(core, health))
                await self._app(scope, receive, send)
            return
        assert self._app is not None, "the server must support the ASGI lifespan"
        await self._app(scope, receive, send)


app: Any = Application()
