"""Every refusal is kept once, beside its subject and never on it, in the conversation it belongs to."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from application.associating import remove_connector
from application.enrolling import enrol_bridge, issue_enrolment
from application.implementing import Dialog, approve_push, cancel_push, implement_push
from application.ports import LogUnavailable
from application.pushing import RequestPush, request_push
from application.registering import change_target, request_test, retire_target
from domain import ids
from domain.access import CommandRefused, PushRefused
from domain.entity import Event
from domain.errors import Code, Refused
from domain.push_states import SupersededReason, WorkOrderStatus
from domain.work_order_events import PushCancelled, PushRejected, PushSuperseded
from tests.application_laws.test_every_push_ends import implemented
from tests.application_laws.wrongs import CASES
from tests.support.world import World, describe_target, request_for_a_bridge


def refusals(world: World) -> list[CommandRefused | PushRefused]:
    return [event for event in world.events() if isinstance(event, CommandRefused | PushRefused)]


@pytest.mark.parametrize("name", CASES)
async def test_kept_once_and_beside(name: str) -> None:
    """One event in the access log of the subject says who was refused what; no other stream has moved."""
    world = World(1)
    wrong = await CASES[name](world)
    before = len(world.history())
    with pytest.raises(Refused) as refused:
        await wrong.act(world.by("me", key="refusal"))
    assert wrong.code is refused.value.code
    ((stream, event),) = world.history()[before:]
    assert isinstance(event, CommandRefused | PushRefused)
    assert (ids.access_log_id(wrong.subject), wrong.subject) == (stream, event.subject_id)
    assert (wrong.code.value, refused.value.detail, "me") == (event.code, event.detail, event.meta.actor.id)


@pytest.mark.parametrize("name", CASES)
async def test_kept_once_for_the_same_command(name: str) -> None:
    """The client repeats a refused command, at the same moment and after lost answers: one refusal is kept."""
    world = World(2, most=5)
    wrong = await CASES[name](world)
    await asyncio.gather(*(wrong.act(world.by("me", key="refusal")) for _ in range(4)), return_exceptions=True)
    world.log.lose_answers = 1.0
    with pytest.raises((Refused, LogUnavailable)):
        await wrong.act(world.by("me", key="refusal"))
    assert 1 == len(refusals(world))


async def test_a_refusal_is_part_of_the_push() -> None:
    """Whoever looks at a push request sees who tried what they were not allowed to."""
    world = World(1)
    order = await world.push(await world.connector())
    with pytest.raises(Refused):
        await approve_push(world.house, world.by("rita"), order.id, Dialog())
    assert [order.found.request_id] == [refused.meta.correlation_id for refused in refusals(world)]


async def test_another_body_after_a_refusal() -> None:
    """A refused command may be sent again under the same key with another body: it is decided, and refused, anew."""
    world = World(1)
    order = await world.push(await world.connector(), "me")
    for body in (b"\1" * 32, b"\2" * 32):
        context = msgspec.structs.replace(world.by("me", key="refusal"), body_sha256=body)
        with pytest.raises(Refused, match="four eyes"):
            await approve_push(world.house, context, order.id, Dialog())
    assert 2 == len(refusals(world))


async def test_a_void_approval_ends_the_work_order_with_its_refusal() -> None:
    """What would be pushed has changed: refused, kept once, and the work order is superseded in the same append."""
    world = World(1)
    connector_id = await world.connector()
    order = await world.push(connector_id)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await _change_what_is_pushed(world, connector_id)
    with pytest.raises(Refused) as refused:
        await implement_push(world.house, world.by("ivan"), order.id, Dialog())
    assert Code.APPROVAL_VOID is refused.value.code
    (superseded,) = [event for event in world.events() if isinstance(event, PushSuperseded)]
    assert SupersededReason.DIGEST_CHANGED == superseded.reason
    assert 1 == len(refusals(world))
    assert WorkOrderStatus.SUPERSEDED == (await world.order_state(order.id)).status


@pytest.mark.parametrize("seed", range(12))
async def test_a_refusal_is_decided_on_what_is_there(seed: int) -> None:
    """While an implementation is refused because the approval is void, the requester cancels: whoever comes second is
    answered by what the first one did, and the work order ends once.
    """
    world = World(seed, most=6)
    connector_id = await world.connector()
    order = await world.push(connector_id)
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await _change_what_is_pushed(world, connector_id)
    await asyncio.gather(
        implement_push(world.house, world.by("ivan"), order.id, Dialog()),
        cancel_push(world.house, world.by("rita"), order.id, None),
        return_exceptions=True,
    )
    ends = world.events(PushSuperseded, PushCancelled, PushRejected)
    assert 1 == len(ends)
    codes = [refused.code for refused in refusals(world)]
    expected: dict[type[Event], list[str]] = {
        PushSuperseded: ["approval-void", "invalid-transition"],
        PushCancelled: ["invalid-transition"],
    }
    assert expected[type(ends[0])] == codes


async def _change_what_is_pushed(world: World, connector_id: UUID) -> None:
    state = await world.connector_state(connector_id)
    target = await world.target_of(connector_id)
    wish = describe_target(target.bridge_id, target.name, root="/srv/elsewhere")
    await change_target(world.house, world.by("olga"), state.target_system_id, wish)


async def test_nothing_is_kept_of_what_does_not_exist() -> None:
    """Asking for what is not there fills no log, however often it is asked for."""
    world, nowhere = World(1), UUID(int=1)
    before = len(world.history())
    for act in (
        approve_push(world.house, world.by("me"), nowhere, Dialog()),
        remove_connector(world.house, world.by("me"), nowhere),
        request_push(world.house, world.by("me"), RequestPush(certificate_id=nowhere)),
        retire_target(world.house, world.by("me"), nowhere),
        request_test(world.house, world.by("me"), nowhere),
    ):
        with pytest.raises(Refused) as refused:
            await act
        assert Code.NOT_FOUND is refused.value.code
    assert before == len(world.history())


async def test_whoever_guesses_tokens_fills_no_ledger() -> None:
    """Wrong enrolment tokens: one refusal per bridge, source and minute; none at all for bridges that do not exist."""
    world = World(1)
    known = (await issue_enrolment(world.house, world.by("olga"), "bridge")).result.bridge.id
    signer, csr = await world.bridge_ca(), request_for_a_bridge()

    async def guess(bridge_id: object, address: str) -> None:
        context = msgspec.structs.replace(world.by("bridge"), client_address=address)
        with pytest.raises(Refused) as refused:
            await enrol_bridge(
                world.house,
                context,
                signer,
                token=f"{bridge_id}.guess",
                csr_pem=csr,
                hpke_public_key=b"k" * 32,
                version="1",
                kinds=(),
            )
        assert Code.FORBIDDEN is refused.value.code

    for _ in range(10):
        await guess(known, "192.0.2.1")
        await guess(UUID(int=world.random.getrandbits(128)), "192.0.2.1")
        await guess("no-id-at-all", "192.0.2.1")
    assert 1 == len(refusals(world))
    await guess(known, "192.0.2.2")
    world.pass_time(60)
    await guess(known, "192.0.2.1")
    assert 3 == len(refusals(world))


async def test_a_push_of_many_lists_whom_it_refused() -> None:
    """Of three connectors one has an open work order: two are accepted, one is listed, with its reason, once."""
    world = World(1)
    certificate_id, bridge_id = await world.certificate(), await world.bridge()
    connectors = [await world.connector(certificate_id, await world.target(bridge_id, f"web-{n}")) for n in range(3)]
    await implemented(world, connectors[1])
    done = await request_push(world.house, world.by("rita"), RequestPush(certificate_id=certificate_id))
    assert {connectors[0], connectors[2]} == {order.found.connector_id for order in done.result.work_orders}
    assert [(connectors[1], Code.WORK_ORDER_OPEN)] == [(r.connector_id, r.refused.code) for r in done.result.refused]
    assert [done.result.request_id] == [refused.meta.correlation_id for refused in refusals(world)]
