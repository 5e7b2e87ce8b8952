"""The laws that rest on what the ledger does with many at once, on PostgreSQL: log, leases, errands and vault."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

import pytest_asyncio

from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.vault import Envelope
from adapters.postgres.log import PostgresLog
from adapters.postgres_ops.database import OpsDatabase
from adapters.postgres_ops.errands import PostgresErrands
from adapters.postgres_ops.leases import PostgresLeases
from adapters.postgres_ops.presence import PostgresPresence
from application.associating import remove_connector
from application.deploying import LeasedDeployment, dispatch
from application.house import load
from application.implementing import Dialog, approve_push, implement_push
from application.pushing import RequestPush, request_push
from application.registering import change_target
from application.target_secrets import read
from domain.access import PushRefused
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
)
from domain.entity import Event
from domain.errors import Refused
from domain.target_system import TARGET_SYSTEM
from domain.work_order_events import PushApproved, PushImplemented, PushRequested
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.folded_hints import FoldedHints
from tests.support.postgres import Pg
from tests.support.world import World, describe_target

E = TypeVar("E", bound=Event)


class RealWorld(World):
    """The house on a real database; the read models are folded from its log."""

    def __init__(self, log: PostgresLog, database: OpsDatabase) -> None:
        super().__init__()
        self.real = log
        self.hints = FoldedHints(log)
        self.house = self.house._replace(
            log=log,
            hints=self.hints,
            leases=PostgresLeases(database),
            errands=PostgresErrands(database),
            presence=PostgresPresence(database),
            vault=PostgresVault(database.pool, Envelope(MasterKey(bytes(32)))),
        )

    async def told(self, *kinds: type[E]) -> list[E]:
        """The events of these kinds, from the ledger."""
        return [each.event for each in await self.real.read(0, 10_000) if isinstance(each.event, kinds)]


@pytest_asyncio.fixture
async def world(pg: Pg) -> AsyncIterator[RealWorld]:
    async with pg.log() as log, OpsDatabase(pg.app_dsn) as database:
        yield RealWorld(log, database)


async def at_once(*attempts: Awaitable[Any]) -> list[Refused]:
    """All together; the refusals."""
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [] == [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, Refused)]
    return [outcome for outcome in outcomes if isinstance(outcome, Refused)]


async def test_fifty_of_everything(world: RealWorld) -> None:
    """Fifty push, fifty approve, fifty implement, fifty dispatch, fifty lease, fifty report: one of each has effect,
    every other one is refused and kept, or is a repeat.
    """
    connector_id = await world.connector()
    certificate_id = (await world.connector_state(connector_id)).certificate_id
    wish = RequestPush(certificate_id=certificate_id, connector_ids=(connector_id,))
    await at_once(*(request_push(world.house, world.by("rita"), wish) for _ in range(50)))
    (requested,) = await world.told(PushRequested)
    order_id = (await world.hints.open_work_orders(connector_id=connector_id))[0]
    await at_once(*(approve_push(world.house, world.by(f"a{n}"), order_id, Dialog()) for n in range(50)))
    await at_once(*(implement_push(world.house, world.by(f"i{n}"), order_id, Dialog()) for n in range(50)))
    await at_once(*(dispatch(world.house, world.by("d"), order_id) for _ in range(50)))
    bridge = FieldBridge(world, Field(), (await world.target_of(connector_id)).bridge_id)
    leased = [work for found in await asyncio.gather(*(bridge.lease() for _ in range(50))) for work in found]
    (work,) = leased
    assert isinstance(work, LeasedDeployment)
    assert [] == await at_once(*(bridge.report(work, succeeded=n % 2 == 0) for n in range(50)))
    for kind in (PushApproved, PushImplemented, DeploymentRequested, DeploymentStarted):
        assert 1 == len(await world.told(kind)), kind
    assert 1 == len(await world.told(DeploymentSucceeded)) + len(await world.told(DeploymentFailed))
    assert {requested.request_id} == {e.meta.correlation_id for e in await world.told(DeploymentReportStale)}
    assert 49 * 3 == len(await world.told(PushRefused))


async def test_removed_while_it_is_pushed(world: RealWorld) -> None:
    """Twenty connectors, each pushed and removed at the same moment: none of them keeps an open work order."""
    certificate_id, bridge_id = await world.certificate(), await world.bridge()
    connectors = [await world.connector(certificate_id, await world.target(bridge_id, f"web-{n}")) for n in range(20)]
    pushes = [RequestPush(certificate_id=certificate_id, connector_ids=(each,)) for each in connectors]
    await at_once(
        *(request_push(world.house, world.by("rita"), wish) for wish in pushes),
        *(remove_connector(world.house, world.by("olga"), each) for each in connectors),
    )
    assert [] == await world.hints.open_work_orders(certificate_id=certificate_id)


async def test_settings_and_secrets_of_the_same_person(world: RealWorld) -> None:
    """Ten people change settings and secrets at once; a push gets both from the same of them, sealed in the vault."""
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id, secrets={"password": "first"})
    wishes = [describe_target(bridge_id, "web-1", secrets={"password": str(n)}, root=f"/srv/{n}") for n in range(10)]
    await at_once(*(change_target(world.house, world.by("p"), target_id, wish) for wish in wishes))
    settings = (await load(world.house, TARGET_SYSTEM, target_id)).found.settings
    expected = {"password": settings.settings["root"].removeprefix("/srv/")}
    assert expected == await read(world.house, target_id, settings.secrets_version)
    connector_id = await world.connector(None, target_id)
    await dispatch(world.house, world.by("d"), await implemented(world, connector_id))
    (work,) = await FieldBridge(world, Field(), bridge_id).lease()
    assert isinstance(work, LeasedDeployment)
    assert expected == work.secrets


async def test_one_key_twice_at_once(world: RealWorld) -> None:
    """A Deploy to All under one key, sent five times at the same moment: one work order per connector, one answer."""
    certificate_id, bridge_id = await world.certificate(), await world.bridge()
    for n in range(10):
        await world.connector(certificate_id, await world.target(bridge_id, f"web-{n}"))
    wish = RequestPush(certificate_id=certificate_id)
    outcomes = await asyncio.gather(*(request_push(world.house, world.by("rita", key="k"), wish) for _ in range(5)))
    assert 10 == len(await world.told(PushRequested))
    assert 1 == len({tuple(sorted(order.id for order in done.result.work_orders)) for done in outcomes})
    assert [] == await world.told(PushRefused)
