"""Many people at the same time get exactly the approvals the policy allows, and no level is ever left out."""

import asyncio
from random import Random
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.house import Loaded, append, write
from application.implementing import (
    Dialog,
    approve_push,
    begin_scheduled,
    cancel_push,
    implement_push,
    reject_push,
    reschedule_push,
    retry_push,
)
from domain import ids, work_order
from domain.access import PushRefused
from domain.approval import DEFAULT_PUSH, ApprovalPolicy, person_of
from domain.connector_events import DeploymentRequested
from domain.entity import Actor, ActorKind, Event
from domain.errors import Refused
from domain.push_states import WorkOrderStatus
from domain.work_order_events import PushApproved, PushImplemented, PushRequested, PushRescheduled, PushScheduled
from domain.work_order_state import WORK_ORDER, WorkOrder
from tests.support.field import Field
from tests.support.histories import SECOND
from tests.support.office import Office
from tests.support.world import World

LAW = settings(deadline=None, max_examples=25)


async def pushed(world: World, levels: int = 2) -> UUID:
    """A push on a fresh connector, under a policy of so many levels."""
    connector_id = await world.connector()
    order = await world.push(connector_id)
    if levels == DEFAULT_PUSH.levels:
        return order.id
    await cancel_push(world.house, world.by("rita"), order.id, None)
    return await _under(world, order, msgspec.structs.replace(DEFAULT_PUSH, levels=levels, name=f"{levels} levels"))


async def _under(world: World, former: Loaded[WorkOrder], policy: ApprovalPolicy) -> UUID:
    """Policies are fixed as yet; this opens the next work order as the use case does, under another one."""
    state, context = former.found, world.by("rita")
    fresh: Loaded[WorkOrder] = Loaded(
        kind=WORK_ORDER, id=ids.work_order_id(state.connector_id, state.ordinal + 1), version=0, state=None
    )
    events = work_order.request(
        context.meta,
        ordinal=state.ordinal + 1,
        request_id=uuid4(),
        connector_id=state.connector_id,
        certificate_id=state.certificate_id,
        target_system_id=state.target_system_id,
        policy=policy,
        digest=state.digest,
        comment=None,
    )
    await append(world.house, context, write(fresh, events))
    return fresh.id


async def at_once(world: World, *attempts: object) -> list[Refused]:
    """All of them together; what was refused."""
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)  # type: ignore[call-overload]
    unexpected = [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, Refused)]
    assert not unexpected
    return [outcome for outcome in outcomes if isinstance(outcome, Refused)]


async def test_fifty_approvals_at_once() -> None:
    """Of fifty approvers one approves; the others are refused, each refusal is kept, and nothing else happened."""
    world = World(1)
    order_id = await pushed(world)
    before = len(world.history())
    people = [f"approver {n}" for n in range(50)]
    refused = await at_once(world, *(approve_push(world.house, world.by(p), order_id, Dialog()) for p in people))
    assert 49 == len(refused)
    assert 1 == len(world.events(PushApproved))
    assert 49 == len(world.events(PushRefused))
    assert 50 == len(world.history()) - before


async def test_fifty_implementations_at_once() -> None:
    """Of fifty implementers one implements, and the bridge gets one deployment."""
    world = World(2)
    order_id = await pushed(world)
    await approve_push(world.house, world.by("anton"), order_id, Dialog())
    people = [f"implementer {n}" for n in range(50)]
    refused = await at_once(world, *(implement_push(world.house, world.by(p), order_id, Dialog()) for p in people))
    office = Office(world, Field(), twice=1.0)
    await office.settle()
    assert 49 == len(refused)
    assert (1, 1) == (len(world.events(PushImplemented)), len(world.events(DeploymentRequested)))


async def test_one_person_with_fifty_requests() -> None:
    """The requester, and one approver with many tokens, never get two acts out of any number of requests."""
    world = World(3)
    order_id = await pushed(world)
    me = Actor(ActorKind.USER, "token", on_behalf_of="anton")
    mine = [msgspec.structs.replace(world.by("-"), actor=me, credential=f"token {n}") for n in range(25)]
    await at_once(
        world,
        *(approve_push(world.house, world.by("rita"), order_id, Dialog()) for _ in range(10)),
        *(approve_push(world.house, context, order_id, Dialog()) for context in mine),
        *(implement_push(world.house, context, order_id, Dialog()) for context in mine),
        *(implement_push(world.house, world.by("rita"), order_id, Dialog()) for _ in range(10)),
    )
    assert 1 == len(world.events(PushApproved))
    assert [] == world.events(PushImplemented)
    assert WorkOrderStatus.REVIEW_IN_PROGRESS == (await world.order_state(order_id)).status


@pytest.mark.parametrize("levels", [3, 5])
async def test_more_levels_than_two(levels: int) -> None:
    """N levels take N - 1 approvals by as many people, whoever else tries at the same time."""
    world = World(levels)
    order_id = await pushed(world, levels)
    people = [f"approver {n}" for n in range(20)]
    await at_once(world, *(approve_push(world.house, world.by(p), order_id, Dialog()) for p in people))
    approvals = [e for e in world.events(PushApproved) if isinstance(e, PushApproved)]
    assert list(range(1, levels)) == [approval.level for approval in approvals]
    assert levels - 1 == len({person_of(approval.meta.actor) for approval in approvals})


def check_levels(history: list[tuple[UUID, Event]]) -> None:
    """In every work order: the levels in order, none left out before a deployment, everybody once."""
    told: dict[UUID, list[Event]] = {}
    for stream, event in history:
        if WORK_ORDER.table.get(type(event)):
            told.setdefault(stream, []).append(event)
        if isinstance(event, DeploymentRequested):
            _check_one(told[event.work_order_id])


def _check_one(events: list[Event]) -> None:
    requested = events[0]
    assert isinstance(requested, PushRequested)
    approvals = [e for e in events if isinstance(e, PushApproved)]
    decided = [
        e for e in events if isinstance(e, PushScheduled) or (isinstance(e, PushImplemented) and not e.scheduled)
    ]
    assert list(range(1, requested.policy.levels)) == [each.level for each in approvals]
    assert [requested.policy.levels] == [each.level for each in decided]
    if requested.policy.levels:
        people = [person_of(each.meta.actor) for each in (requested, *approvals, *decided)]
        assert len(people) == len(set(people))


PEOPLE = ("rita", "anton", "anna", "ivan", "ida")


@LAW
@given(st.integers(0, 10**6), st.integers(0, 4), st.integers(4, 14))
async def test_no_level_is_left_out(seed: int, levels: int, rounds: int) -> None:
    """Approvals, implementations at once and at a set time, reschedulings, retries, several at a time: whatever is
    deployed in the end had every level of its policy, in order, from as many people.
    """
    world, random = World(seed), Random(seed)
    order_id = await pushed(world, levels)
    office = Office(world, Field(), twice=0.3)
    for _ in range(rounds):
        tries = [_something(world, random, order_id) for _ in range(random.randint(1, 4))]
        await at_once(world, *tries)
        await office.settle()
        await office.later(random.choice((0, 60, 3600)), timers=False)
    check_levels(world.history())


def _something(world: World, random: Random, order_id: UUID) -> object:
    context = world.by(random.choice(PEOPLE))
    later = Dialog(manual_implementation=False, scheduled_at=world.clock() + random.choice((30, 1800)) * SECOND)
    house, dialog = world.house, random.choice((Dialog(), later))
    return random.choice(
        (
            lambda: approve_push(house, context, order_id, dialog),
            lambda: approve_push(house, context, order_id, dialog),
            lambda: implement_push(house, context, order_id, dialog),
            lambda: implement_push(house, context, order_id, dialog),
            lambda: begin_scheduled(house, context, order_id),
            lambda: reschedule_push(house, context, order_id, world.clock() + 60 * SECOND, None),
            lambda: retry_push(house, context, order_id, None),
            lambda: (
                reject_push(house, context, order_id, None)
                if random.random() < 0.1
                else begin_scheduled(house, context, order_id)
            ),
        )
    )()


async def test_the_automation_stands_for_the_implementer() -> None:
    """When the set time comes, the push begins on behalf of whoever implemented it, also when the sweep begins it."""
    for by_sweep in (False, True):
        world = World(4)
        order_id = await pushed(world)
        await approve_push(world.house, world.by("anton"), order_id, Dialog())
        soon = Dialog(manual_implementation=False, scheduled_at=world.clock() + 60 * SECOND)
        await implement_push(world.house, world.by("ivan"), order_id, soon)
        office = Office(world, Field())
        if by_sweep:
            world.pass_time(61)
            sweep = world.by("begin-due-pushes", kind=ActorKind.AUTOMATION)
            await begin_scheduled(world.house, sweep, order_id)
        await office.settle()
        await office.later(61)
        (implemented,) = world.events(PushImplemented)
        (requested,) = world.events(DeploymentRequested)
        assert "ivan" == implemented.meta.actor.on_behalf_of == requested.meta.actor.on_behalf_of
        assert [] == world.events(PushRescheduled)
