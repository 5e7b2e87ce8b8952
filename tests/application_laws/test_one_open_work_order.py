"""A connector never has two open work orders, whatever happens at the same time and however far hints lag behind."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from application.associating import AddConnector, add_connector, remove_connector
from application.errands import LeasedErrand
from application.implementing import (
    Dialog,
    approve_push,
    cancel_push,
    implement_push,
    reject_push,
    retry_push,
)
from application.pushing import RequestPush, request_push
from domain import ids
from domain.catalogue import AGGREGATE_OF
from domain.connector_events import TargetSystemDissociated
from domain.errors import Refused
from domain.work_order_events import PushRequested
from domain.work_order_state import WorkOrder
from tests.support.field import Field, FieldBridge
from tests.support.folded_hints import frozen, lagging, up_to_date
from tests.support.office import Office
from tests.support.world import World

LAW = settings(deadline=None, max_examples=25)
Deed = Callable[[World, UUID], Awaitable[object]]


def most_open(world: World, connector_id: UUID) -> int:
    """The highest number of work orders of a connector that were open at the same moment of the log."""
    states: dict[UUID, WorkOrder] = {}
    most = 0
    for stream, event in world.history():
        if AGGREGATE_OF[type(event)].name == "work_order":
            states[stream] = AGGREGATE_OF[type(event)].evolve(states.get(stream), event)
            mine = [order for order in states.values() if order.connector_id == connector_id]
            most = max(most, sum(order.open for order in mine))
    return most


def latest(world: World, connector_id: UUID) -> UUID:
    """The last work order that the log knows."""
    requested = [e for e in world.events(PushRequested) if isinstance(e, PushRequested)]
    return ids.work_order_id(connector_id, max((e.ordinal for e in requested), default=1))


async def push(world: World, connector_id: UUID) -> object:
    certificate_id = (await world.connector_state(connector_id)).certificate_id
    wish = RequestPush(certificate_id=certificate_id, connector_ids=(connector_id,))
    return await request_push(world.house, world.by("rita"), wish)


async def associate_again(world: World, connector_id: UUID) -> object:
    state = await world.connector_state(connector_id)
    wish = AddConnector(certificate_id=state.certificate_id, target_system_id=state.target_system_id)
    return await add_connector(world.house, world.by("olga"), wish)


DEEDS: dict[str, Deed] = {
    "push": push,
    "approve": lambda w, c: approve_push(w.house, w.by(w.random.choice(["anton", "anna"])), latest(w, c), Dialog()),
    "implement": lambda w, c: implement_push(w.house, w.by(w.random.choice(["ivan", "ida"])), latest(w, c), Dialog()),
    "reject": lambda w, c: reject_push(w.house, w.by("anton"), latest(w, c), None),
    "cancel": lambda w, c: cancel_push(w.house, w.by("rita"), latest(w, c), None),
    "retry": lambda w, c: retry_push(w.house, w.by("ivan"), latest(w, c), None),
    "remove": lambda w, c: remove_connector(w.house, w.by("olga"), c),
    "associate": associate_again,
}


async def attempt(world: World, connector_id: UUID, name: str) -> None:
    """Whatever is refused is refused."""
    try:
        await DEEDS[name](world, connector_id)
    except Refused:
        return


@LAW
@given(st.integers(0, 10**6), st.lists(st.lists(st.sampled_from(sorted(DEEDS)), max_size=8), max_size=6), st.data())
async def test_never_two_open(seed: int, rounds: list[list[str]], data: st.DataObject) -> None:
    """Pushes, approvals, retries, removals in every order, in rounds of things that happen at once."""
    lag = data.draw(st.sampled_from([up_to_date, frozen, lagging(Random(seed))]))
    world, field = World(seed, lag=lag), Field()
    connector_id = await world.connector()
    office = Office(world, field, twice=0.3)
    bridge_id = (await world.target_of(connector_id)).bridge_id
    bridge = FieldBridge(world, field, bridge_id)
    for names in rounds:
        await asyncio.gather(*(attempt(world, connector_id, name) for name in ("push", *names)))
        assert most_open(world, connector_id) <= 1
        if data.draw(st.booleans()):
            await world.hints.catch_up()
            await office.settle()
            for work in await bridge.lease():
                if isinstance(work, LeasedErrand):
                    await bridge.answer(work)
                else:
                    await bridge.report(work, succeeded=data.draw(st.booleans()))
    assert most_open(world, connector_id) <= 1


async def test_thirty_pushes_at_once() -> None:
    """Exactly one opens a work order; the others are told that one is open."""
    world = World(1)
    connector_id = await world.connector()
    outcomes = await asyncio.gather(*(push(world, connector_id) for _ in range(30)), return_exceptions=True)
    refused = [outcome.code.value for outcome in outcomes if isinstance(outcome, Refused)]
    assert ["work-order-open"] * 29 == refused
    assert 1 == len(world.events(PushRequested))


@settings(LAW, max_examples=80)
@given(st.integers(0, 10**6))
async def test_a_removed_connector_has_no_open_work_order(seed: int) -> None:
    """Whether the push or the removal comes first, what is open in the end belongs to an association."""
    world = World(seed, most=6)
    connector_id = await world.connector()
    await asyncio.gather(attempt(world, connector_id, "push"), attempt(world, connector_id, "remove"))
    assert world.events(TargetSystemDissociated)
    assert [False] * len(await world.orders_of(connector_id)) == [o.open for o in await world.orders_of(connector_id)]


async def test_the_latest_is_found_without_any_hint() -> None:
    """Read models that were lost, or are being rebuilt, change no decision: numbering goes on where the log is."""
    world = World(1, lag=frozen)
    connector_id = await world.connector()
    for _ in range(5):
        order = await world.push(connector_id)
        await cancel_push(world.house, world.by("rita"), order.id, None)
    assert list(range(1, 6)) == [order.ordinal for order in await world.orders_of(connector_id)]
