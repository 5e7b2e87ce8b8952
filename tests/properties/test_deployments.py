"""At-least-once dispatch, effectively-once state: the first terminal report wins, whatever the order of things."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from domain import association, deployment, ids, work_order
from domain.connector import CONNECTOR
from domain.connector_events import (
    DeploymentFailed,
    DeploymentReportStale,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
)
from domain.deployment import Outcome, Report
from domain.entity import Event
from domain.errors import Refused
from domain.push_states import DeploymentStatus, FailureCause, WorkOrderStatus
from domain.work_order_events import PushCompleted, PushFailed
from domain.work_order_state import WORK_ORDER
from tests.properties.strategies import LAW
from tests.support.deciders import state_of
from tests.support.histories import (
    BRIDGE_ID,
    DEADLINE,
    DIGEST,
    IMPLEMENTER,
    MINUTE,
    OPERATOR,
    ORDER_ID,
    OTHER_BRIDGE_ID,
    SETTINGS,
    SYSTEM,
    T0,
    Histories,
    associated,
    by,
    implemented,
)


class Move(NamedTuple):
    """Something that happens to a deployment; `attempt` is the one that is meant: it may be over, or still to come."""

    name: str
    attempt: int
    bridge: int
    fence: int
    succeeded: bool


REPORT = st.builds(Move, st.just("report"), st.integers(1, 2), st.integers(0, 1), st.integers(1, 3), st.booleans())
MOVES = st.lists(
    st.builds(
        Move,
        st.sampled_from(["dispatch", "start", "start", "report", "report", "report", "retry", "give up", "remove"]),
        st.sampled_from([1, 1, 1, 2]),
        st.sampled_from([0, 0, 1]),
        st.sampled_from([1, 1, 2, 2, 3]),
        st.booleans(),
    ),
    max_size=25,
).map(lambda moves: [Move("dispatch", 1, 0, 1, succeeded=True), *moves])


def said(move: Move) -> Report:
    return Report(
        deployment_id=ids.derive("deployment", ORDER_ID, move.attempt),
        bridge_id=(BRIDGE_ID, OTHER_BRIDGE_ID)[move.bridge],
        fence=move.fence,
        succeeded=move.succeeded,
        message="done" if move.succeeded else "no",
    )


def decide(histories: Histories, move: Move, at: datetime) -> Outcome:
    connector, order = (state_of(*history) for history in histories)
    meta, word = by(SYSTEM, at), said(move)
    silent = FailureCause.BRIDGE_DISCONNECTED
    decisions: dict[str, Callable[[], Outcome]] = {
        "dispatch": lambda: deployment.dispatch(
            ORDER_ID,
            order,
            connector,
            meta,
            deployment_id=ids.derive("deployment", ORDER_ID, order.attempt),
            current_digest=DIGEST,
            settings=SETTINGS,
            deadline_at=DEADLINE,
            obstacle=None,
        ),
        "start": lambda: Outcome(
            deployment.start(
                connector, meta, deployment_id=word.deployment_id, bridge_id=word.bridge_id, fence=word.fence
            )
        ),
        "report": lambda: deployment.report(connector, order, meta, word),
        "retry": lambda: Outcome((), work_order.retry(order, by(IMPLEMENTER, at), current_digest=DIGEST)),
        "give up": lambda: deployment.give_up(
            connector, order, meta, deployment_id=word.deployment_id, cause=silent, message="silent"
        ),
        "remove": lambda: Outcome(association.dissociate(connector, by(OPERATOR, at))),
    }
    try:
        return decisions[move.name]()
    except Refused:
        return Outcome()


def play(moves: list[Move], start: Histories | None = None) -> Histories:
    connector, order = start or (associated(), implemented())
    at = T0 + 180 * MINUTE
    for move in moves:
        at += MINUTE
        outcome = decide((connector, order), move, at)
        connector, order = (*connector, *outcome.connector), (*order, *outcome.work_order)
    return connector, order


def ends(history: tuple[Event, ...]) -> list[DeploymentSucceeded | DeploymentFailed]:
    return [event for event in history if isinstance(event, DeploymentSucceeded | DeploymentFailed)]


@LAW
@given(MOVES)
def test_each_deployment_ends_at_most_once(moves: list[Move]) -> None:
    """One terminal event per deployment, and one end of the work order for each that counted."""
    connector, order = play(moves)
    ended = [event.deployment_id for event in ends(connector)]
    assert len(ended) == len(set(ended))
    pushes = [event.deployment_id for event in order if isinstance(event, PushCompleted | PushFailed)]
    assert pushes == [deployment_id for deployment_id in ended if deployment_id in pushes]
    assert sum(isinstance(event, PushCompleted) for event in order) <= 1


@LAW
@given(MOVES)
def test_work_order_and_connector_tell_the_same_story(moves: list[Move]) -> None:
    """While the association stands: Completed is deployed, Push-Failed is failed, and nothing else."""
    connector, order = (state_of(*history) for history in play(moves))
    if connector.associated and not (order.status is WorkOrderStatus.IMPLEMENTING and not connector.in_flight):
        same = {
            WorkOrderStatus.COMPLETED: {DeploymentStatus.DEPLOYED},
            WorkOrderStatus.FAILED: {DeploymentStatus.FAILED},
            WorkOrderStatus.IMPLEMENTING: {DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING},
        }
        assert connector.deployment_status in same[order.status]


@LAW
@given(MOVES)
def test_only_the_latest_taker_is_believed(moves: list[Move]) -> None:
    """A report has an effect only under the fence, and from the bridge, that took the deployment last."""
    connector, _ = play(moves)
    for index, event in enumerate(connector):
        if isinstance(event, DeploymentSucceeded) or (isinstance(event, DeploymentFailed) and event.fence is not None):
            taken = [e for e in connector[:index] if isinstance(e, DeploymentStarted)][-1]
            assert (taken.deployment_id, taken.bridge_id, taken.fence) == (
                event.deployment_id,
                event.bridge_id,
                event.fence,
            )


@LAW
@given(MOVES)
def test_fences_only_rise(moves: list[Move]) -> None:
    """Over all takers and attempts."""
    connector, _ = play(moves)
    fences = [event.fence for event in connector if isinstance(event, DeploymentStarted)]
    assert fences == sorted(set(fences))


@LAW
@given(MOVES)
def test_each_attempt_is_queued_once(moves: list[Move]) -> None:
    """However often it is dispatched."""
    connector, _ = play(moves)
    queued = [event.attempt for event in connector if isinstance(event, DeploymentRequested)]
    assert list(range(1, len(queued) + 1)) == queued


@LAW
@given(MOVES, REPORT)
def test_no_report_is_lost(moves: list[Move], last: Move) -> None:
    """It takes effect, or it repeats what took effect, or it is recorded as stale: nothing else can happen."""
    before = play(moves)
    outcome = decide(before, last, T0 + 999 * MINUTE)
    word = said(last)
    if outcome.connector:
        (event,) = outcome.connector
        assert isinstance(event, DeploymentSucceeded | DeploymentFailed | DeploymentReportStale)
        assert (event.deployment_id, event.bridge_id, event.fence) == (word.deployment_id, word.bridge_id, word.fence)
    else:
        assert any(
            (event.deployment_id, event.bridge_id, event.fence) == (word.deployment_id, word.bridge_id, word.fence)
            and isinstance(event, DeploymentSucceeded) == word.succeeded
            for event in ends(before[0])
        )


@LAW
@given(MOVES, REPORT)
def test_a_repeated_report_changes_nothing(moves: list[Move], last: Move) -> None:
    """The same report twice leaves both aggregates as it left them once."""
    once = play([last], play(moves))
    twice = play([last], once)
    assert [state_of(*history) for history in once] == [state_of(*history) for history in twice]


@LAW
@given(st.lists(REPORT, min_size=1, max_size=6), st.data())
def test_the_first_terminal_report_wins(reports: list[Move], data: st.DataObject) -> None:
    """Under any interleaving and duplication, the first report of the present taker decides, and it alone."""
    taken = play([Move("dispatch", 1, 0, 1, succeeded=True), Move("start", 1, 0, 2, succeeded=True)])
    order = data.draw(st.permutations(reports + reports))
    connector, push = play(order, taken)
    valid = [move for move in order if (move.attempt, move.bridge, move.fence) == (1, 0, 2)]
    expected = [DeploymentSucceeded if move.succeeded else DeploymentFailed for move in valid[:1]]
    assert expected == [type(event) for event in ends(connector)]
    wanted = {True: WorkOrderStatus.COMPLETED, False: WorkOrderStatus.FAILED}
    assert state_of(*push).status is (wanted[valid[0].succeeded] if valid else WorkOrderStatus.IMPLEMENTING)


@LAW
@given(MOVES, st.integers(0, 60))
def test_folding_in_parts_is_folding_at_once(moves: list[Move], cut: int) -> None:
    """For connectors and work orders alike."""
    connector, order = play(moves)
    assert state_of(*connector) == CONNECTOR.fold(connector[cut:], CONNECTOR.fold(connector[:cut]))
    assert state_of(*order) == WORK_ORDER.fold(order[cut:], WORK_ORDER.fold(order[:cut]))
