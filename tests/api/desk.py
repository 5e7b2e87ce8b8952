"""The whole service in the test's own process and event loop: real ledger, read models, worker, API, bridge listener.

Only TCP is left out: requests go straight into the ASGI applications.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID, uuid4

import httpx
import msgspec
import typed_settings as ts
import uvicorn
from litestar import Litestar

from adapters.bootstrap import UNBUILT, UNREACHABLE, Core, open_core
from adapters.keys.sealing import seal_content
from adapters.notifying.kinds import Kinds
from adapters.settings import AcmeServer as AcmeServerSettings
from adapters.settings import Database, Discovery, Notifications, Push, Server, Settings, Verification, Webhooks
from adapters.signing_in.argon2id import Argon2Passwords
from adapters.x509.pfx import make_pfx
from adapters.x509.requests import read_request
from api.app import create_app, create_bridge_app
from api.bridge_api.identity import PEER_CERTIFICATE
from api.directory import Directory
from api.services import AcmeServer, ApiSettings, Services
from application.administering import create_principal, create_token
from application.codec import decode
from application.house import Context
from domain.entity import Actor, ActorKind
from domain.role_grant import Role
from projections.catalogue import ALL_PROJECTIONS, HISTORIES
from projections.lines import HISTORY
from projections.runner import Runner
from tests.support.postgres import Pg

PEOPLE: dict[str, tuple[Role, ...]] = {
    "requester": (Role.REQUESTER,),
    "approver": (Role.APPROVER,),
    "implementer": (Role.IMPLEMENTER,),
    "operator": (Role.OPERATOR,),
    "auditor": (Role.AUDITOR,),
    "admin": (Role.ADMIN,),
    "lead": (Role.REQUESTER, Role.APPROVER, Role.IMPLEMENTER),
    "nobody": (),
}
T = TypeVar("T")
_PATIENCE_SECONDS = 60.0
ADDRESS = "192.0.2.7"
SYSTEM = Actor(ActorKind.SYSTEM, "test")


class Person(msgspec.Struct, frozen=True):
    """A principal with its first token."""

    id: UUID
    token: str

    @property
    def token_id(self) -> UUID:
        """It stands in the token (`cf_{id}_{secret}`)."""
        return UUID(self.token.split("_")[1])


class Desk:
    """The running service, and clients for everybody."""

    def __init__(self, core: Core, services: Services, app: Litestar) -> None:
        self.core = core
        self.services = services
        self.app = app
        self.bridge_app = create_bridge_app(services)
        self.people: dict[str, Person] = {}
        self.addresses: dict[str, str] = {}
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    def as_(self, name: str | None) -> httpx.AsyncClient:
        """A client of this person; None: of nobody."""
        if name not in self._clients:
            headers = {"Authorization": f"Bearer {self.people[name].token}"} if name else {}
            self._clients[name] = self.client(headers, self.addresses.get(name or "", ADDRESS))
        return self._clients[name]

    def client(self, headers: dict[str, str] | None = None, address: str = ADDRESS) -> httpx.AsyncClient:
        """Any client, and where it is."""
        transport = httpx.ASGITransport(cast("Any", self.app), raise_app_exceptions=False, client=(address, 40000))
        return httpx.AsyncClient(transport=transport, base_url="http://certferry.test", headers=headers)

    def bridge_client(self, certificate: bytes | None, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """A client of the bridge listener whose connection proved this certificate (DER)."""

        async def with_peer(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            extensions = {PEER_CERTIFICATE: certificate} if certificate is not None else {}
            await self.bridge_app(cast("Any", {**scope, "extensions": extensions}), receive, send)

        transport = httpx.ASGITransport(with_peer, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="https://bridges.certferry.test", headers=headers)

    async def employ(self, name: str, roles: tuple[Role, ...]) -> Person:
        """A person with a token, as the command line makes them."""
        made = await create_principal(self.core.house, self._context(), name, roles)
        return Person(made.result.id, await self.token(made.result.id))

    async def token(self, principal_id: UUID, roles: tuple[Role, ...] | None = None) -> str:
        """One more token of somebody."""
        made = await create_token(self.core.house, self._context(), principal_id, "test", roles=roles)
        assert await self.services.directory.reached(made.position, 30)
        return made.result.text

    async def head(self) -> int:
        """The last position of the ledger."""
        return await self.core.house.log.head()

    async def settled(self) -> None:
        """Wait until the read models show what the ledger holds now."""
        assert await self.core.position.wait(await self.head(), 60)

    async def past(self) -> int:
        """The last position of the ledger, once the past can be asked for it. (A busy machine takes longer than answers
        wait for it.)
        """
        position = await self.head()
        assert await self.core.moments.wait(position, 60)
        return position

    def _context(self) -> Context:
        return Context(actor=SYSTEM, at=self.core.house.clock(), command_id=uuid4())


@asynccontextmanager
async def open_desk(
    pg: Pg,
    data: Path,
    *,
    work: Callable[[Core], Coroutine[Any, Any, None]],
    push: Push = Push(),
    webhooks: Webhooks = Webhooks(allow=("127.0.0.0/8",)),
    acme_server: AcmeServerSettings = AcmeServerSettings(),
    url: str = "http://certferry.test",
    **settings: Any,
) -> AsyncIterator[Desk]:
    """Open the service over a fresh database, with everybody of PEOPLE in it. `work` is what the worker does."""
    chosen = Settings(
        data=data,
        database=Database(dsn=ts.SecretStr(pg.app_dsn), owner_dsn=ts.SecretStr(pg.owner_dsn)),
        server=Server(url=url),
        push=push,
        verification=Verification(grace=0.0, allow=("127.0.0.0/8",)),
        discovery=Discovery(every_minutes=0, allow=("127.0.0.0/24", "10.0.0.0/24")),
        webhooks=webhooks,
        acme_server=acme_server,
        notifications=Notifications(allow=("127.0.0.0/8",), timeout=20.0),
    )
    async with open_core(chosen) as core:
        working = asyncio.create_task(work(core))
        services = services_of(core, **settings)
        app = create_app(services)
        try:
            async with app.lifespan():
                desk = Desk(core, services, app)
                for name, roles in PEOPLE.items():
                    desk.people[name] = await desk.employ(name, roles)
                if work is not no_work:
                    await desk.settled()
                yield desk
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def no_work(_: Core) -> None:
    """No worker was ever started: there are no read models."""


async def only_read_models(core: Core) -> None:
    """A worker that keeps the read models and carries nothing out."""
    dsn = core.settings.dsn
    async with asyncio.TaskGroup() as both:  # it ends when both have ended, where `gather` leaves the second one behind
        both.create_task(Runner(dsn, decode, ALL_PROJECTIONS).run())
        both.create_task(Runner(dsn, decode, HISTORIES, line=HISTORY).run())


def services_of(core: Core, **settings: Any) -> Services:
    """What the API runs on, from what every process has."""
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
        settings=ApiSettings(session_key=secrets.token_bytes(32), **settings),
        acme=AcmeServer(
            spent=core.spent_nonces,
            rates=core.acme_rates,
            rules=core.acme_rules,
            read_request=read_request,
            issued_by=core.local_pki.issued_by,
            url=core.settings.server.url,
            caa_identities=core.caa_identities,
        ),
        passwords=Argon2Passwords(passes=1, kibibytes=1024),  # as good a hash, and quick
        shown_to_acme=core.challenges.shown,
        local_ca_pem=lambda: core.local_pki.root_pem,
        revocation_status=core.local_pki_status,
        unreachable=UNREACHABLE,
        unbuilt=UNBUILT,
    )


@asynccontextmanager
async def served(app: Litestar) -> AsyncIterator[str]:
    """An application behind a real server, for what needs real connections."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if serving.done():  # else nobody would ever be told why
            await serving
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def in_one_task(opened: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave in the same task, as task groups want it: pytest sets fixtures up and down in different ones."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def hold() -> None:
        async with opened as value:
            entered.set_result(value)
            await over.wait()

    holding = asyncio.create_task(hold())
    await asyncio.wait((entered, holding), return_when=asyncio.FIRST_COMPLETED)
    if holding.done():
        await holding
    try:
        yield entered.result()
    finally:
        over.set()
        await asyncio.wait((holding,), timeout=_PATIENCE_SECONDS)
        if not holding.done():
            for task in asyncio.all_tasks():
                task.print_stack()
            raise AssertionError("the service does not stop; what it waits for is printed above")
        await holding
