"""The same command id again, as a client repeats after a lost answer: the same result, and no second effect.

For every use case, in every way a repeat can come: afterwards, at the same moment, after an answer that was lost, and
after others have moved things on.
"""

import asyncio
from contextlib import suppress
from typing import Any, cast

import msgspec
import pytest

from application.house import Loaded
from application.implementing import (
    cancel_push,
)
from application.ordering import submit_order
from application.ports import CommandIdReused, LogUnavailable
from application.pushing import PushAccepted, RequestPush, request_push
from application.registering import request_test
from domain import ids
from domain.access import CommandRefused, PushRefused
from domain.certificate_order import OrderParameters, Provider, WantedConnector
from domain.errors import Code, Refused
from domain.work_order_events import PushRequested
from tests.application_laws.commands import CASES, ONCE, Command, approve, deploy_to_all
from tests.support.field import Field, FieldBridge
from tests.support.office import Office, local_pki
from tests.support.world import World


def shape(result: Any) -> Any:
    """What a result says, whether it was just made or read back."""
    if isinstance(result, PushAccepted):
        refused = [(each.connector_id, each.refused.code, each.refused.detail) for each in result.refused]
        return result.request_id, {each.id: shape(each) for each in result.work_orders}, refused
    if isinstance(result, Loaded):
        return result.id, result.version, result.state
    return result


@pytest.mark.parametrize("name", CASES)
async def test_afterwards(name: str) -> None:
    """The second answer is the first one, and nothing was appended for it."""
    world = World(1)
    command = await CASES[name](world)
    context = world.by("me", key="k")
    first, before = await command(context), await world.ledger.head()
    again = await command(context)
    assert shape(first.result) == shape(again.result)
    assert before == await world.ledger.head()
    assert first.position == again.position


@pytest.mark.parametrize("name", CASES)
async def test_at_the_same_moment(name: str) -> None:
    """Five at once: one effect, five answers, no refusal."""
    world = World(2, most=5)
    command = await CASES[name](world)
    quiet = len(world.events())
    reference = World(2)
    await (await CASES[name](reference))(reference.by("me", key="k"))
    outcomes = await asyncio.gather(*(command(world.by("me", key="k")) for _ in range(5)))
    assert len(reference.events()) == len(world.events()), [e.topic for e in world.events()[quiet:]]
    assert 1 == len({str(shape(outcome.result)) for outcome in outcomes})
    assert [] == world.events(CommandRefused, PushRefused)


@pytest.mark.parametrize("name", CASES)
async def test_after_a_lost_answer(name: str) -> None:
    """The command was carried out, and nobody heard of it: the repeat answers, and does nothing more."""
    world = World(3)
    command = await CASES[name](world)
    context = world.by("me", key="k")
    world.log.lose_answers = 1.0
    with suppress(LogUnavailable):
        await command(context)
    world.log.lose_answers = 0.0
    done = await command(context)
    before = await world.ledger.head()
    again = await command(context)
    assert shape(done.result) == shape(again.result)
    assert before == await world.ledger.head()
    assert [] == world.events(CommandRefused, PushRefused)


@pytest.mark.parametrize("name", CASES)
async def test_with_the_version_it_was_decided_on(name: str) -> None:
    """If-Match is compared once: the repeat of what was carried out is answered, although the version has moved on."""
    world = World(4)
    command = await CASES[name](world)
    version = (await _probe(world, name, command)) or None
    context = world.by("me", key="k", if_match=version)
    first = await command(context)
    assert shape(first.result) == shape((await command(context)).result)
    assert [] == world.events(CommandRefused, PushRefused)


async def _probe(world: World, name: str, command: Command) -> int:
    """The version that the command is decided on: what a refusal of version 999 says."""
    try:
        reference = World(4)
        await (await CASES[name](reference))(reference.by("me", if_match=999))
    except Refused as refused:
        return int(refused.extra["current_version"])
    return 0


@pytest.mark.parametrize("name", ONCE)
async def test_secrets_are_shown_once(name: str) -> None:
    """A repeat makes no second secret and no second event: it is refused, and says that it was carried out."""
    world = World(1)
    command = await ONCE[name](world)
    context = world.by("me", key="k")
    await command(context)
    with pytest.raises(Refused, match="carried out") as refused:
        await command(context)
    assert Code.ALREADY_EXISTS is refused.value.code
    topics = [event.topic for event in world.events()]
    assert 1 == topics.count("token.created") + topics.count("bridge.enrolment_issued") - (name == "enrol_again")


async def test_another_body_under_the_same_id() -> None:
    """It is no repeat, and gets nobody else's answer."""
    world = World(1)
    command = await approve(world)
    context = world.by("me", key="k")
    await command(context)
    with pytest.raises(CommandIdReused):
        await command(msgspec.structs.replace(context, body_sha256=b"\1" * 32))


async def test_a_push_that_was_overtaken() -> None:
    """The push of long ago was cancelled and another one was made since: its repeat tells of its own work order."""
    world = World(1)
    connector_id = await world.connector()
    mine = await world.push(connector_id, key="k")
    await cancel_push(world.house, world.by("rita"), mine.id, None)
    other = await world.push(connector_id)
    assert mine.id == (await world.push(connector_id, key="k")).id
    await cancel_push(world.house, world.by("rita"), other.id, None)
    assert mine.id == (await world.push(connector_id, key="k")).id
    assert 2 == len(world.events(PushRequested))


async def test_a_deploy_to_all_is_for_what_was_there() -> None:
    """Connectors that came later, or could be pushed to only later, are no part of a push that was answered."""
    world = World(1)
    certificate_id, bridge_id = await world.certificate(), await world.bridge()
    busy, free = [
        await world.connector(certificate_id, await world.target(bridge_id, name)) for name in ("busy", "free")
    ]
    standing = await world.push(busy, "other")
    wish, context = RequestPush(certificate_id=certificate_id), world.by("rita", key="k")
    first = await request_push(world.house, context, wish)
    assert [busy] == [refused.connector_id for refused in first.result.refused]
    await cancel_push(world.house, world.by("other"), standing.id, None)
    await world.connector(certificate_id, await world.target(bridge_id, "late"))
    again = await request_push(world.house, context, wish)
    assert shape(first.result) == shape(again.result)
    assert [free] == [order.found.connector_id for order in again.result.work_orders]
    assert 2 == len(world.events(PushRequested))


async def test_a_deploy_to_all_that_a_crash_cut_short() -> None:
    """Some work orders were made, then the process died: the repeat makes the others, and each once."""
    world = World(5)
    command = await deploy_to_all(world)
    context = world.by("me", key="k")
    world.log.lose_answers = 0.4
    for _ in range(30):
        try:
            await command(context)
        except LogUnavailable:
            continue
    world.log.lose_answers = 0.0
    done = await command(context)
    assert 5 == len(done.result.work_orders) == len(world.events(PushRequested))


async def test_a_deploy_to_all_that_was_cut_short_long_ago() -> None:
    """What it had opened has ended since, and so has what others opened after it: the repeat opens nothing again."""
    world = World(4)
    command = await deploy_to_all(world)
    context = world.by("me", key="k")
    world.log.lose_answers = 0.5
    while not (opened := world.events(PushRequested)):
        with suppress(LogUnavailable):
            await command(context)
            pytest.fail("the answer was to be lost: take another seed")
    world.log.lose_answers = 0.0
    for connector_id in (cast("PushRequested", event).connector_id for event in opened[:2]):
        mine, theirs = (ids.work_order_id(connector_id, ordinal) for ordinal in (1, 2))
        await cancel_push(world.house, world.by("me"), mine, None)
        assert theirs == (await world.push(connector_id, "other")).id
        await cancel_push(world.house, world.by("other"), theirs, None)
    done = await command(context)
    assert [1] * 5 == [order.found.ordinal for order in done.result.work_orders]
    assert 5 + 2 == len(world.events(PushRequested))


async def test_reactions_that_run_twice_refuse_nothing() -> None:
    """A reaction that was cut short runs again: what it had done is not refused to it, and is not done twice."""
    world = World(1)
    issuers = await local_pki(world)
    bridge_id = await world.bridge()
    targets = [await world.target(bridge_id, f"web-{n}") for n in range(2)]
    parameters = OrderParameters(
        provider=Provider.LOCAL_PKI,
        common_name="www.example.org",
        validity_days=30,
        connectors=tuple(WantedConnector(target_system_id=target) for target in targets),
    )
    await submit_order(world.house, world.by("rita"), issuers, parameters)
    await Office(world, Field(), twice=1.0, issuers=issuers).settle()
    assert [] == world.events(CommandRefused, PushRefused)
    assert 2 == sum(event.topic == "certificate.target_system.associated" for event in world.events())


async def test_the_same_test_result_twice() -> None:
    """A bridge repeats the result of a connection test, because the answer was lost: it is one event."""
    world, field = World(1), Field()
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id)
    await request_test(world.house, world.by("olga"), target_id)
    bridge = FieldBridge(world, field, bridge_id)
    (work,) = await bridge.lease()
    await bridge.answer(work)  # type: ignore[arg-type]
    await bridge.answer(work)  # type: ignore[arg-type]
    assert 1 == sum(event.topic == "target_system.tested" for event in world.events())
