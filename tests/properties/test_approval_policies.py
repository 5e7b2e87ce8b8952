"""Whatever policies there are, however they change meanwhile: a push keeps its own, and each of its levels is given."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain import ids, register, work_order
from domain.approval import ApprovalPolicy, person_of
from domain.approval_policy import BUILT_IN, KIND, ApprovalTerms, Asked, Policies, PushAction, checked_change, resolve
from domain.entity import Actor, ActorKind, Event
from domain.errors import Refused
from domain.role_grant import Role
from domain.work_order_events import PushApproved, PushImplemented, PushRequested, PushScheduled
from domain.work_order_state import WORK_ORDER, WorkOrder
from tests.properties.strategies import LAW, PEOPLE
from tests.support.histories import CERTIFICATE_ID, DIGEST, HOUR, OPERATOR, REQUEST_ID, T0, by

T = TypeVar("T")
TAGS, KINDS = ("a", "b"), ("nginx", "haproxy")
TARGETS = tuple(ids.derive("test", "target", n) for n in range(3))
IDS = tuple(ids.derive("test", "policy", n) for n in range(3))
ROLES = (Role.OPERATOR, Role.ADMIN)


def _some(random: Random, of: Sequence[T]) -> tuple[T, ...]:
    return tuple(random.sample(of, random.choice((0, 0, 1, 2))))


def _terms(random: Random) -> ApprovalTerms:
    return ApprovalTerms(
        name=random.choice("pqrs"),
        levels=random.randint(0, 4),
        level_roles=tuple(_some(random, ROLES) for _ in range(random.randint(0, 4))),
        priority=random.randint(-1, 1),
        actions=random.choice([(PushAction.PUSH,), (PushAction.PUSH, PushAction.REDEPLOY)]),
        certificate_tags=_some(random, TAGS),
        target_system_ids=_some(random, TARGETS),
        target_kinds=_some(random, KINDS),
    )


def _asked(random: Random) -> Asked:
    return Asked(
        action=random.choice(list(PushAction)),
        certificate_tags=_some(random, TAGS),
        target_system_id=random.choice(TARGETS),
        target_kind=random.choice(KINDS),
        target_tags=(),
    )


class Policing(NamedTuple):
    """Somebody writes a policy, or takes it out of force."""

    step: str
    entry_id: UUID
    terms: ApprovalTerms


class Pushing(NamedTuple):
    """Somebody asks for a push of one of three connectors, or for the next step of it."""

    step: str
    number: int
    actor: Actor
    roles: frozenset[Role]
    asked: Asked


def _wish(random: Random) -> Policing | Pushing:
    if random.random() < 0.25:
        step, entry_id, terms = random.choice(("create", "change", "retire")), random.choice(IDS), _terms(random)
        if random.random() < 0.3:
            known = BUILT_IN.entries[0]
            entry_id, terms = known.id, msgspec.structs.replace(known.terms, levels=terms.levels)
        return Policing(step, entry_id, terms)
    person = random.choice(PEOPLE)
    token = Actor(ActorKind.USER, f"token of {person}", on_behalf_of=person)
    return Pushing(
        random.choice(("request", *["approve"] * 3, *["implement"] * 2)),
        random.randrange(3),
        random.choice((token, Actor(ActorKind.USER, person))),
        frozenset(_some(random, ROLES)),
        _asked(random),
    )


class Town:
    """The register, and up to three work orders with their histories."""

    def __init__(self) -> None:
        self.policies: Policies | None = None
        self.histories: dict[int, tuple[Event, ...]] = {}
        self.wanted: dict[int, ApprovalPolicy] = {}
        self.roles: dict[int, list[frozenset[Role]]] = {}

    def police(self, wish: Policing, at: datetime) -> None:
        meta = by(OPERATOR, at)
        try:
            if wish.step == "retire":
                events = register.retire(KIND, self.policies, meta, wish.entry_id)
            else:
                step = register.create if wish.step == "create" else register.change
                events = step(KIND, self.policies, meta, wish.entry_id, checked_change(wish.entry_id, wish.terms))
        except Refused:
            return
        self.policies = KIND.aggregate.fold(events, self.policies)

    def push(self, wish: Pushing, at: datetime) -> None:
        history = self.histories.get(wish.number)
        if wish.step == "request" and history is None:
            self.wanted[wish.number] = resolve(self.policies, wish.asked)
            self.histories[wish.number] = _requested(wish, self.wanted[wish.number], at)
        elif wish.step != "request" and history is not None:
            order = WORK_ORDER.fold(history)
            assert order is not None
            try:
                events = _step(order, wish, at)
            except Refused:
                return
            self.histories[wish.number] = (*history, *events)
            self.roles.setdefault(wish.number, []).append(wish.roles)


def _requested(wish: Pushing, policy: ApprovalPolicy, at: datetime) -> tuple[Event, ...]:
    return work_order.request(
        by(wish.actor, at),
        ordinal=1,
        request_id=REQUEST_ID,
        connector_id=ids.derive("test", "connector", wish.number),
        certificate_id=CERTIFICATE_ID,
        target_system_id=wish.asked.target_system_id,
        policy=policy,
        digest=DIGEST,
        comment=None,
    )


def _step(order: WorkOrder, wish: Pushing, at: datetime) -> tuple[Event, ...]:
    if wish.step == "approve":
        return work_order.approve(order, by(wish.actor, at), roles=wish.roles)
    return work_order.implement(order, by(wish.actor, at), current_digest=DIGEST, roles=wish.roles)


def live(seed: int) -> Town:
    """A town in which many things were wished for, an hour apart."""
    random, town = Random(seed), Town()
    for number in range(random.randint(5, 80)):
        wish, at = _wish(random), T0 + number * HOUR
        if isinstance(wish, Policing):
            town.police(wish, at)
        else:
            town.push(wish, at)
    return town


SEEDS = st.integers(0, 2**32)


@LAW
@given(SEEDS)
def test_a_push_keeps_the_policy_of_its_request(seed: int) -> None:
    """Whatever is written, changed or retired afterwards: the order has what was resolved then."""
    town = live(seed)
    for number, history in town.histories.items():
        order = WORK_ORDER.fold(history)
        assert order is not None
        assert town.wanted[number] == order.policy


@LAW
@given(SEEDS)
def test_every_level_is_given_once_by_somebody_who_may(seed: int) -> None:
    """No level is skipped, none is given twice, nobody gives two, and each by a role that its policy asks for."""
    town = live(seed)
    for number, history in town.histories.items():
        policy, roles = town.wanted[number], town.roles.get(number, [])
        steps = [e for e in history if isinstance(e, PushApproved | PushScheduled | PushImplemented)]
        if policy.levels == 0:
            assert [0] == [step.level for step in steps]
            continue
        assert list(range(1, len(steps) + 1)) == [step.level for step in steps]
        assert len(steps) <= policy.levels
        for step, held in zip(steps, roles, strict=True):
            last = step.level == policy.levels
            assert last == isinstance(step, PushImplemented)
            wanted = policy.roles_at(step.level)
            assert not wanted or held & set(wanted)
        [requested] = [event for event in history if isinstance(event, PushRequested)]
        people = [person_of(event.meta.actor) for event in (requested, *steps)]
        assert len(people) == len(set(people))


@LAW
@given(SEEDS)
def test_there_is_always_one_policy(seed: int) -> None:
    """Every push comes under exactly one, which is in force and matches; a redeploy never under one for pushes only."""
    town = live(seed)
    asked = _asked(Random(seed + 1))
    found = resolve(town.policies, asked)
    entry = (town.policies or BUILT_IN).get(found.id)
    assert entry is not None
    assert not entry.retired
    assert asked.action in entry.terms.actions
    assert entry.version == found.version
