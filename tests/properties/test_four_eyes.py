"""No approval level is ever skipped, and nobody gives two of request, approval and implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.approval import person_of
from domain.entity import Actor, ActorKind, Event
from domain.push_states import WorkOrderStatus
from domain.work_order_events import PushApproved, PushImplemented, PushRequested, PushScheduled
from tests.properties.strategies import LAW, PEOPLE, STORIES, Command, Story, tell
from tests.support.histories import DIGEST, HOUR


def is_implement(event: Event) -> bool:
    """The decision to implement, at once or at a set time; not the set time's coming."""
    return isinstance(event, PushScheduled) or (isinstance(event, PushImplemented) and not event.scheduled)


@LAW
@given(STORIES)
def test_no_level_is_ever_skipped(story: Story) -> None:
    """Approvals come level by level, and Implement after the last of them; both never once too often."""
    history, _, _ = tell(story)
    approvals = [event.level for event in history if isinstance(event, PushApproved)]
    assert list(range(1, len(approvals) + 1)) == approvals
    assert len(approvals) <= max(story.levels - 1, 0)
    implements = [index for index, event in enumerate(history) if is_implement(event)]
    assert len(implements) <= 1
    for index in implements:
        before = sum(isinstance(event, PushApproved) for event in history[:index])
        assert before == max(story.levels - 1, 0)


@LAW
@given(STORIES)
def test_nobody_gives_two(story: Story) -> None:
    """Neither directly, nor by a token, nor by an automation that acts for the same person."""
    history, order, _ = tell(story)
    people = [
        person_of(event.meta.actor)
        for event in history
        if isinstance(event, PushRequested | PushApproved) or is_implement(event)
    ]
    assert len(people) == len(set(people))
    assert len(order.participants) == len(people)


@LAW
@given(STORIES)
def test_nothing_is_pushed_before_somebody_implemented(story: Story) -> None:
    """Whatever happens: a work order that was ever on its way had its Implement before."""
    history, order, _ = tell(story)
    on_its_way = order.attempt > 0 or order.status is WorkOrderStatus.SCHEDULED
    assert not on_its_way or any(map(is_implement, history))


@pytest.mark.parametrize("levels", range(6))
@LAW
@given(people=st.permutations(PEOPLE), tokens=st.lists(st.booleans(), min_size=7, max_size=7))
def test_enough_people_carry_every_policy_through(levels: int, people: list[str], tokens: list[bool]) -> None:
    """One requester, N-1 approvers, one implementer, all different: implemented, through tokens or not."""

    def actor(n: int) -> Actor:
        kind, person = ActorKind.AUTOMATION, people[n]
        return Actor(kind, f"token-{n}", on_behalf_of=person) if tokens[n] else Actor(ActorKind.USER, person)

    steps = ["approve"] * (levels - 1) + ["implement"] * (levels > 0)
    commands = [Command(step, actor(n), HOUR, DIGEST, None) for n, step in enumerate(steps, start=1)]
    _, order, _ = tell(Story(levels, actor(0), commands))
    assert order.status is WorkOrderStatus.IMPLEMENTING
    assert len(order.participants) == max(levels, 1) + 1  # at zero levels the policy implements
