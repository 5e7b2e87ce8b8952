"""Erasing a person: nothing of them is left to read, everybody else's texts are, and no proof changes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.keys.subjects import LIFE, Subjects
from application.administering import create_principal, create_token
from application.alerting import acknowledge_alert, raise_alert, resolve_alert
from application.associating import remove_connector
from application.erasing import erase_subject
from application.granting import change_role
from application.holding import all_holds, everything_held, release_legal_hold, set_legal_hold
from application.house import Context, append, load
from application.implementing import Dialog, approve_push, cancel_push, implement_push, reject_push
from application.opening import open_json
from application.personal import NotSealed, SubjectGone
from application.ports import Change, LogUnavailable
from application.pushing import RequestPush, request_push
from domain import ids
from domain.alert import AlertKind
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.legal_hold import LegalHoldSet
from domain.personal import ERASED, is_sealed, personal_fields
from domain.principal import PRINCIPAL, ErasureReason, PrincipalCreated, SubjectErased, TokenRevoked
from domain.role_grant import Role
from domain.work_order_events import PushCancelled
from tests.support.field import Field
from tests.support.office import Office
from tests.support.world import World

LAW = settings(deadline=None, max_examples=25)
WHY = ErasureReason.OBJECTION
TEXTS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=12, max_size=40)


async def employ(world: World, name: str, *roles: Role) -> UUID:
    """A principal."""
    return (await create_principal(world.house, world.by("system", kind=ActorKind.SYSTEM), name, roles)).result.id


def acting(world: World, person: UUID, address: str = "192.0.2.1") -> Context:
    """A command of a principal, from an address."""
    actor = Actor(ActorKind.USER, str(person))
    return Context(actor=actor, at=world.clock(), command_id=uuid4(), client_address=address)


def stored(world: World) -> list[bytes]:
    """Everything that the ledger holds."""
    return [row.entry.payload + row.leaf for row in world.ledger.stored]


async def shown(world: World) -> bytes:
    """Everything that the ledger holds, as an answer shows it."""
    return await open_json(world.texts, b"\n".join(stored(world)))


async def code_of(attempt: Awaitable[Any]) -> Code | None:
    """Why it was refused."""
    try:
        await attempt
    except Refused as refused:
        return refused.code
    return None


class Life:
    """People who write texts: what somebody may do, and what it says."""

    def __init__(self, world: World, texts: list[str]) -> None:
        self.world = world
        self._texts = iter(texts)
        self.written: dict[UUID, list[str]] = {}
        self.people: list[UUID] = []
        self.connector = UUID(int=0)

    async def begin(self, people: int) -> None:
        """Some people, and something that can be pushed."""
        for _ in range(people):
            name = self._next()
            person = await employ(self.world, name, *Role)
            self.people.append(person)
            self.written[person] = [name, f"2001:db8::{len(self.people)}:{person.hex[:4]}"]
        self.connector = await self.world.connector()

    async def write(self, person: UUID, deed: str) -> None:
        """One deed with a text; that a rule refuses it is no matter here."""
        text = self._next()
        context = acting(self.world, person, self.written[person][1])
        self.written[person].append(text)
        await code_of(DEEDS[deed](self, context, text))

    def _next(self) -> str:
        return f"{next(self._texts)}-{len(self.people)}-{sum(map(len, self.written.values()))}"

    async def order(self) -> UUID:
        """The latest work order."""
        return (await self.world.hints.open_work_orders(connector_id=self.connector) or [UUID(int=1)])[0]


async def _push(life: Life, context: Context, text: str) -> None:
    certificate = (await life.world.connector_state(life.connector)).certificate_id
    await request_push(life.world.house, context, RequestPush(certificate_id=certificate, comment=text))


async def _alert(life: Life, context: Context, text: str) -> None:
    house = life.world.house
    raised = await raise_alert(house, life.world.by("w", kind=ActorKind.AUTOMATION), AlertKind.PUSH_FAILED, "x", "x")
    await acknowledge_alert(house, context, raised.result.id, text)
    await resolve_alert(house, context.part("resolve"), raised.result.id, text)


async def _approve(life: Life, context: Context, text: str) -> None:
    await approve_push(life.world.house, context, await life.order(), Dialog(comment=text))


async def _implement(life: Life, context: Context, text: str) -> None:
    await implement_push(life.world.house, context, await life.order(), Dialog(comment=text))


async def _reject(life: Life, context: Context, text: str) -> None:
    await reject_push(life.world.house, context, await life.order(), text)


async def _cancel(life: Life, context: Context, text: str) -> None:
    await cancel_push(life.world.house, context, await life.order(), text)


async def _token(life: Life, context: Context, text: str) -> None:
    await create_token(life.world.house, context, UUID(context.actor.id), text)


async def _remove(life: Life, context: Context, text: str) -> None:
    await remove_connector(life.world.house, context, life.connector, text)


DEEDS: Mapping[str, Callable[[Life, Context, str], Awaitable[None]]] = {
    "push": _push,
    "approve": _approve,
    "implement": _implement,
    "reject": _reject,
    "cancel": _cancel,
    "alert": _alert,
    "token": _token,
    "remove": _remove,
}


@LAW
@given(st.data())
async def test_the_law_of_erasure(data: st.DataObject) -> None:
    """Whatever was done: of the erased person no text is found, stored or shown; all others' are shown; every byte of
    every leaf and payload is as before.
    """
    world = World(data.draw(st.integers(0, 10**6)))
    life = Life(world, data.draw(st.lists(TEXTS, min_size=30, max_size=30)))
    await life.begin(data.draw(st.integers(2, 4)))
    steps = st.tuples(st.integers(0, len(life.people) - 1), st.sampled_from(sorted(DEEDS)))
    for who, deed in data.draw(st.lists(steps, min_size=1, max_size=12)):
        await life.write(life.people[who], deed)
    seen = await shown(world)
    kept = {text: person for person, texts in life.written.items() for text in texts if text.encode() in seen}
    assert not [text for text in kept if any(text.encode() in each for each in stored(world))]
    before = stored(world)

    gone, eraser = data.draw(st.permutations(life.people))[:2]
    await erase_subject(world.house, acting(world, eraser), gone, WHY)

    assert stored(world)[: len(before)] == before
    after = await shown(world)
    for text, person in kept.items():
        assert (text.encode() in after) is (person != gone), text
    assert ERASED.encode() in after


async def test_the_states_that_are_folded_hold_no_clear_text() -> None:
    """What an answer is made of, and kept as, is sealed: right after the command, too."""
    world = World()
    life = Life(world, ["a text of somebody"] * 30)
    await life.begin(2)
    certificate = (await world.connector_state(life.connector)).certificate_id
    wish = RequestPush(certificate_id=certificate, comment="a secret word")
    done = await request_push(world.house, acting(world, life.people[0]), wish)
    order = done.result.work_orders[0]
    assert order.found.comment is not None
    assert is_sealed(order.found.comment)
    approved = await approve_push(world.house, acting(world, life.people[1]), order.id, Dialog(comment="another word"))
    assert b"word" not in msgspec.json.encode(approved.result.found)
    assert b"word" in await open_json(world.texts, msgspec.json.encode(approved.result.found))


async def test_a_use_case_cannot_forget_to_seal() -> None:
    """An event with a text in clear is not appended: that is a bug, and nothing of it is kept."""
    world = World()
    event = PushCancelled(meta=world.by("rita").meta, comment="in clear")
    assert personal_fields(PushCancelled)
    with pytest.raises(NotSealed):
        await append(world.house, world.by("rita"), Change(stream_id=uuid4(), expected_version=0, events=(event,)))
    assert not stored(world)


@pytest.mark.parametrize("text", [ERASED, "cf-sealed:1:text:", "look: cf-sealed:1:x"])
async def test_nobody_writes_what_looks_sealed_or_erased(text: str) -> None:
    """A pasted sealed text would show somebody else's words as one's own."""
    world = World()
    person = await employ(world, "Rita", *Role)
    alert = (await raise_alert(world.house, world.by("w"), AlertKind.PUSH_FAILED, "x", "x")).result.id
    assert await code_of(acknowledge_alert(world.house, acting(world, person), alert, text)) is Code.VALIDATION_FAILED
    assert await code_of(create_principal(world.house, acting(world, person), text)) is Code.VALIDATION_FAILED


async def test_the_event_tells_who_erased_whom() -> None:
    """Whom, by whom, why, how many keys; a repeat makes no second event."""
    world = World()
    rita, admin = await employ(world, "Rita", Role.REQUESTER), await employ(world, "Ada", Role.ADMIN)
    for _ in range(2):
        done = await erase_subject(world.house, acting(world, admin), rita, WHY)
        assert done.result.found.disabled
    [event] = world.events(SubjectErased)
    assert isinstance(event, SubjectErased)
    assert (event.principal_id, event.reason, event.keys, event.meta.actor.id) == (rita, WHY, 1, str(admin))


async def test_who_may_not_be_erased() -> None:
    """Nobody erases themselves, somebody unknown, or the last administrator."""
    world = World()
    admin = await employ(world, "Ada", Role.ADMIN)
    by_hand = world.by("command-line", kind=ActorKind.SYSTEM)
    assert await code_of(erase_subject(world.house, acting(world, admin), admin, WHY)) is Code.INVALID_TRANSITION
    assert await code_of(erase_subject(world.house, acting(world, admin), uuid4(), WHY)) is Code.NOT_FOUND
    assert await code_of(erase_subject(world.house, by_hand, admin, WHY)) is Code.INVALID_TRANSITION
    await employ(world, "Ben", Role.ADMIN)
    assert await code_of(erase_subject(world.house, by_hand, admin, WHY)) is None


@LAW
@given(st.integers(0, 10**6))
async def test_administrators_who_erase_each_other(seed: int) -> None:
    """All at once, in a circle: at least one stays."""
    world = World(seed)
    admins = [await employ(world, name, Role.ADMIN) for name in ("Ada", "Ben", "Cid")]
    circle = zip(admins, (*admins[1:], admins[0]), strict=True)
    await asyncio.gather(*(code_of(erase_subject(world.house, acting(world, by), whom, WHY)) for by, whom in circle))
    states = [(await load(world.house, PRINCIPAL, admin)).found for admin in admins]
    assert not all(state.disabled for state in states)


async def test_a_hold_keeps_what_it_covers() -> None:
    """On the person or on everything: nothing is destroyed until it is released."""
    world = World()
    rita, admin = await employ(world, "Rita"), await employ(world, "Ada", Role.ADMIN)
    for subject in (rita, None):
        hold = (await set_legal_hold(world.house, acting(world, admin), "case 4711", subject)).result.hold
        assert await code_of(erase_subject(world.house, acting(world, admin), rita, WHY)) is Code.LEGAL_HOLD
        assert b"Rita" in await shown(world)
        assert await everything_held(world.house) is (subject is None)
        await release_legal_hold(world.house, acting(world, admin), hold.id, "over")
    assert [each.version for each in await all_holds(world.house)] == [2, 2]
    assert await code_of(erase_subject(world.house, acting(world, admin), rita, WHY)) is None
    assert await code_of(set_legal_hold(world.house, acting(world, admin), "x", uuid4())) is Code.VALIDATION_FAILED


@LAW
@given(st.integers(0, 10**6))
async def test_a_hold_and_an_erasure_at_once(seed: int) -> None:
    """Either the hold was first, and the key is there, or the erasure was: never erased under a hold set before."""
    world = World(seed)
    rita, admin = await employ(world, "Rita"), await employ(world, "Ada", Role.ADMIN)
    erased, _ = await asyncio.gather(
        code_of(erase_subject(world.house, acting(world, admin), rita, WHY)),
        code_of(set_legal_hold(world.house, acting(world, admin), "case", rita)),
    )
    order = [type(event) for event in world.events(LegalHoldSet, SubjectErased)]
    if erased is None:
        assert order[0] is SubjectErased
    else:
        assert (erased, order) == (Code.LEGAL_HOLD, [LegalHoldSet])
    assert await world.texts.keys(rita) == (0 if erased is None else 1)


async def test_killed_between_event_and_key() -> None:
    """The command dies after its event: the reaction destroys the key and takes the tokens back; twice is harmless."""
    world = World()
    office = Office(world, Field(), twice=1.0)
    rita, admin = await employ(world, "Rita"), await employ(world, "Ada", Role.ADMIN)
    await create_token(world.house, acting(world, rita), rita, "laptop")
    await office.settle()

    class Dying(Subjects):
        async def destroy(self, subject: UUID) -> None:
            raise LogUnavailable("killed")

    dying = Dying(world.texts._keys, b"names")
    with pytest.raises(LogUnavailable):
        await erase_subject(world.house._replace(texts=dying), acting(world, admin), rita, WHY)
    assert len(world.events(SubjectErased)) == 1
    assert await world.texts.keys(rita) == 1
    await office.settle()
    assert await world.texts.keys(rita) == 0
    assert len(world.events(TokenRevoked)) == 1
    assert b"laptop" not in await shown(world)


async def test_a_command_that_was_under_way_leaves_nothing() -> None:
    """What somebody does at the moment of their erasure is unreadable, too, or does not happen."""
    world = World()
    rita, admin = await employ(world, "Rita", *Role), await employ(world, "Ada", Role.ADMIN)
    alert = (await raise_alert(world.house, world.by("w"), AlertKind.PUSH_FAILED, "x", "x")).result.id
    await erase_subject(world.house, acting(world, admin), rita, WHY)
    assert (
        await code_of(acknowledge_alert(world.house, acting(world, rita), alert, "a word")) is Code.INVALID_TRANSITION
    )
    with pytest.raises(SubjectGone):
        await world.texts.seal(rita, "text", "a word")
    await acknowledge_alert(world.house, acting(world, rita, "192.0.2.99"), alert)
    assert b"192.0.2.99" not in await shown(world)


async def test_a_name_is_free_after_its_owner_was_erased() -> None:
    """Another person of the same name is another principal."""
    world = World()
    rita, admin = await employ(world, "Rita"), await employ(world, "Ada", Role.ADMIN)
    assert await code_of(create_principal(world.house, acting(world, admin), "rita")) is Code.ALREADY_EXISTS
    await erase_subject(world.house, acting(world, admin), rita, WHY)
    again = await employ(world, "rita")
    assert again != rita
    assert ids.derive("principal", "rita") not in {rita, again}
    assert len(world.events(PrincipalCreated)) == 3


async def test_roles_of_the_erased_cannot_come_back() -> None:
    """Neither a role nor a token."""
    world = World()
    rita, admin = await employ(world, "Rita"), await employ(world, "Ada", Role.ADMIN)
    await erase_subject(world.house, acting(world, admin), rita, WHY)
    again = change_role(world.house, acting(world, admin), rita, Role.ADMIN, held=True)
    assert await code_of(again) is Code.INVALID_TRANSITION
    assert await code_of(create_token(world.house, acting(world, admin), rita, "x")) is Code.INVALID_TRANSITION


def test_a_key_lives_less_than_a_second_in_other_processes() -> None:
    """What is promised to whoever asked for the erasure."""
    assert LIFE < 1.0
