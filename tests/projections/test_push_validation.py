"""What a push operation counts as, and the report over them (domain page, section 6)."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import association, ids, verification, work_order
from domain.connector_events import (
    DeploymentFailed,
    DeploymentRequested,
    DeploymentStarted,
    DeploymentSucceeded,
    HandshakeEvidence,
    KeyProof,
    TargetSystemAssociated,
    TargetSystemDissociated,
    ValidationChanged,
    ValidationState,
)
from domain.entity import Event
from domain.push_states import DeploymentStatus, FailureCause, SupersededReason
from domain.work_order_events import PushSuperseded
from projections.catalogue import Views
from projections.push_validation.projection import PUSH_VALIDATION
from projections.push_validation.report import report
from projections.push_validation.view import PushFilter, PushOperation, PushOutcome
from tests.projections.conftest import Town
from tests.projections.histories import history
from tests.projections.in_memory import entries, fold
from tests.projections.world import World
from tests.support import histories as told
from tests.support.deciders import state_of
from tests.support.histories import CONNECTOR_ID, FIRST, HOUR, OPERATOR, ORDER_ID, SYSTEM, T0, by

ENDPOINTS = ("10.0.0.1:443", "10.0.0.2:443")
FROM_HERE = HandshakeEvidence(vantage="control-plane", served_fingerprint_sha256="ee" * 32)
SIGNED, WORD = KeyProof.SIGNATURE, KeyProof.BRIDGE_WORD


def from_a_bridge(proof: KeyProof | None) -> HandshakeEvidence:
    """What a bridge tells."""
    return msgspec.structs.replace(
        FROM_HERE, vantage="bridge", bridge_id=ids.derive("bridge"), bridge_generation=1, proof=proof
    )


def operations(*events: tuple[UUID, Event]) -> dict[UUID, PushOperation]:
    """The operations after these events."""
    _, rows = fold([PUSH_VALIDATION], entries(events))
    found = [msgspec.json.decode(row[-1], type=PushOperation) for row in rows.get("push_operations", {}).values()]
    return {operation.id: operation for operation in found}


class Story:
    """One connector and its work order, told event by event in the order of the ledger."""

    def __init__(self, endpoints: tuple[str, ...] = ENDPOINTS) -> None:
        associated = told.associated(endpoints=endpoints)
        # A client certificate is served nowhere: associate() gives a server certificate its target's endpoints.
        self.connector = tuple(msgspec.structs.replace(e, endpoints=endpoints) for e in associated)
        self.order = told.implemented()
        self.events = [(CONNECTOR_ID, e) for e in self.connector] + [(ORDER_ID, e) for e in self.order]

    def then(self, connector: tuple[Event, ...], order: tuple[Event, ...] | None = None) -> "Story":
        """The streams as they are now; what is new in them happened."""
        order = self.order if order is None else order
        self.events += [(CONNECTOR_ID, event) for event in connector[len(self.connector) :]]
        self.events += [(ORDER_ID, event) for event in order[len(self.order) :]]
        self.connector, self.order = connector, order
        return self

    def dispatched(self, deployment_id: UUID = FIRST) -> "Story":
        return self.then(*told.dispatched(self.connector, self.order, deployment_id))

    def deployed(self) -> "Story":
        self.dispatched().then(*told.taken((self.connector, self.order)))
        return self.then(*told.reported((self.connector, self.order)))

    def failed(self, cause: FailureCause) -> "Story":
        self.dispatched().then(*told.taken((self.connector, self.order)))
        after = told.reported((self.connector, self.order), succeeded=False, cause=cause, message="no")
        return self.then(*after)

    def seen(
        self, state: ValidationState, endpoint: str = ENDPOINTS[0], evidence: HandshakeEvidence = FROM_HERE
    ) -> "Story":
        events = verification.observe(
            state_of(*self.connector),
            by(SYSTEM, T0 + 5 * HOUR),
            run_id=ids.derive("run"),
            endpoint=endpoint,
            state=state,
            expected=told.FINGERPRINT,
            evidence=evidence,
        )
        return self.then((*self.connector, *events))

    def removed(self) -> "Story":
        return self.then((*self.connector, *association.dissociate(state_of(*self.connector), by(OPERATOR))))

    @property
    def operation(self) -> PushOperation:
        """The one operation of this story."""
        (found,) = operations(*self.events).values()
        return found

    def position_of(self, kind: type[Event]) -> list[int]:
        return [position for position, (_, event) in enumerate(self.events, 1) if type(event) is kind]


MATCHED, UNREACHABLE = ValidationState.MATCHED, ValidationState.UNREACHABLE
UNKNOWN = ValidationState.MISMATCH_UNKNOWN


@pytest.mark.parametrize(
    ("seen", "outcome", "cause"),
    [
        ((MATCHED, MATCHED), PushOutcome.SUCCESSFUL, None),
        ((MATCHED,), PushOutcome.PENDING, None),
        ((), PushOutcome.PENDING, None),
        ((UNKNOWN,), PushOutcome.FAILED, "mismatch_unknown"),
        ((MATCHED, UNREACHABLE), PushOutcome.UNREACHABLE, "unreachable"),
        ((UNREACHABLE,), PushOutcome.PENDING, None),
        ((UNREACHABLE, UNKNOWN), PushOutcome.FAILED, "mismatch_unknown"),
        ((ValidationState.NAME_NOT_RESOLVED, MATCHED), PushOutcome.UNREACHABLE, "name_not_resolved"),
        ((ValidationState.MISMATCH_PREVIOUS, MATCHED), PushOutcome.FAILED, "mismatch_previous"),
        ((ValidationState.MISMATCH_PREVIOUS, ValidationState.MISMATCH_KNOWN), PushOutcome.FAILED, "mismatch_known"),
        ((MATCHED, ValidationState.NO_CERTIFICATE), PushOutcome.FAILED, "no_certificate"),
        ((MATCHED, ValidationState.HANDSHAKE_FAILED), PushOutcome.FAILED, "handshake_failed"),
    ],
)
def test_a_deployed_push_counts_as_what_its_endpoints_serve(
    seen: tuple[ValidationState, ...], outcome: PushOutcome, cause: str | None
) -> None:
    """Successful = every endpoint matched; failed = any mismatch; unreachable apart; pending until all were seen."""
    story = Story().deployed()
    for state, endpoint in zip(seen, ENDPOINTS, strict=False):
        story.seen(state, endpoint)
    assert (outcome, cause) == (story.operation.outcome, story.operation.cause)
    assert list(story.operation.positions) == sorted(
        [
            *story.position_of(DeploymentRequested),
            *story.position_of(DeploymentStarted),
            *story.position_of(DeploymentSucceeded),
            *story.position_of(ValidationChanged),
        ]
    )


def test_only_the_first_result_after_the_push_counts() -> None:
    """An endpoint that is mended later does not make the push a success, nor the other way round."""
    story = Story(ENDPOINTS[:1]).deployed().seen(UNKNOWN)
    before = story.operation
    assert before == story.seen(MATCHED).operation


def test_a_failed_deployment_is_a_failed_push() -> None:
    """With the bridge's cause and message, whatever the endpoints serve."""
    operation = Story().failed(FailureCause.SERVICE_RELOAD_FAILED).operation
    assert (PushOutcome.FAILED, "service_reload_failed", "no") == (
        operation.outcome,
        operation.cause,
        operation.message,
    )
    assert operation.deployment_status is DeploymentStatus.FAILED


def test_without_endpoints_verification_does_not_apply() -> None:
    """Client certificates are served nowhere: counted apart."""
    assert Story(endpoints=()).deployed().operation.outcome is PushOutcome.NOT_APPLICABLE


def test_a_retry_is_an_operation_of_its_own() -> None:
    """One per attempt: the first failed, the second one succeeded."""
    story = Story(ENDPOINTS[:1]).failed(FailureCause.DISK_FULL)
    retried = work_order.retry(state_of(*story.order), by(told.REQUESTER), current_digest=told.DIGEST)
    story.then(story.connector, (*story.order, *retried)).dispatched(told.SECOND_ATTEMPT)
    story.then(*told.taken((story.connector, story.order), fence=2))
    said = {"deployment_id": told.SECOND_ATTEMPT, "fence": 2}
    story.then(*told.reported((story.connector, story.order), at=T0 + 4 * HOUR, **said)).seen(MATCHED)
    found = operations(*story.events)
    assert [(PushOutcome.FAILED, 1), (PushOutcome.SUCCESSFUL, 2)] == [(o.outcome, o.attempt) for o in found.values()]
    assert {ORDER_ID} == {operation.work_order_id for operation in found.values()}


def test_a_work_order_superseded_before_dispatch_is_an_operation_too() -> None:
    """It has no deployment; its id is the work order's, and its reason is the cause."""
    story = Story()
    ended = work_order.supersede(state_of(*story.order), by(SYSTEM), SupersededReason.CERTIFICATE_REVOKED)
    operation = story.then(story.connector, (*story.order, *ended)).operation
    assert (ORDER_ID, None, PushOutcome.SUPERSEDED, "certificate_revoked") == (
        operation.id,
        operation.deployment_id,
        operation.outcome,
        operation.cause,
    )
    requested = story.events.index((ORDER_ID, story.order[0])) + 1
    assert (requested, *story.position_of(PushSuperseded)) == operation.positions


def test_a_rejected_work_order_is_no_push() -> None:
    """Nor is one that still waits for somebody."""
    assert {} == operations(*((ORDER_ID, event) for event in told.approved()))
    rejected = work_order.reject(state_of(*told.approved()), by(told.IMPLEMENTER))
    assert {} == operations(*((ORDER_ID, event) for event in (*told.approved(), *rejected)))


def test_what_can_no_longer_be_verified_ends_superseded() -> None:
    """The connector was removed after the deployment, or while the bridge was at work, or before it came."""
    after = Story().deployed().removed().operation
    assert (PushOutcome.SUPERSEDED, "connector_removed") == (after.outcome, after.cause)
    running = Story().dispatched()
    running.then(*told.taken((running.connector, running.order))).removed()
    assert running.operation.outcome is PushOutcome.PENDING
    running.then(*told.reported((running.connector, running.order)))
    assert (PushOutcome.SUPERSEDED, "connector_removed") == (running.operation.outcome, running.operation.cause)
    queued = Story().dispatched().removed().operation
    assert (PushOutcome.SUPERSEDED, "connector_removed") == (queued.outcome, queued.cause)


def test_a_push_verified_before_its_connector_was_removed_stays_what_it_was() -> None:
    """History is not rewritten."""
    story = Story(ENDPOINTS[:1]).deployed().seen(MATCHED)
    assert story.operation == story.removed().operation


# ---------------------------------------------------------------- against a look at whole histories


def _expected(world: World) -> dict[UUID, tuple[PushOutcome, tuple[str, ...]]]:
    """Each operation's outcome and the endpoints with results, by looking at its connector's whole stream."""
    found: dict[UUID, tuple[PushOutcome, tuple[str, ...]]] = {}
    dispatched: Counter[UUID] = Counter()
    for stream in world.streams.values():
        for number, event in enumerate(stream):
            if isinstance(event, DeploymentRequested):
                dispatched[event.work_order_id] = max(event.attempt, dispatched[event.work_order_id])
                found[event.deployment_id] = _judge(event, stream[:number], stream[number + 1 :])
    for key in world.all("work_order"):
        ended = isinstance(world.streams[key][-1], PushSuperseded)
        if ended and dispatched[key] < max(world.states[key].attempt, 1):
            found[key] = (PushOutcome.SUPERSEDED, ())
    return found


def _judge(asked: DeploymentRequested, before: list[Event], after: list[Event]) -> tuple[PushOutcome, tuple[str, ...]]:
    endpoints = [e for e in before if isinstance(e, TargetSystemAssociated)][-1].endpoints
    removed = gone = False
    for number, event in enumerate(after):
        if isinstance(event, TargetSystemDissociated):
            removed = True
        elif isinstance(event, TargetSystemAssociated | DeploymentRequested):
            gone = True
            break
        elif isinstance(event, DeploymentFailed) and event.deployment_id == asked.deployment_id:
            withdrawn = removed and not any(isinstance(e, DeploymentStarted) for e in after[:number])
            return (PushOutcome.SUPERSEDED if withdrawn else PushOutcome.FAILED), ()
        elif isinstance(event, DeploymentSucceeded) and event.deployment_id == asked.deployment_id:
            return _validated(asked, endpoints, after[number + 1 :], removed=removed)
    return (PushOutcome.SUPERSEDED if gone else PushOutcome.PENDING), ()


def _validated(
    asked: DeploymentRequested, endpoints: tuple[str, ...], after: list[Event], *, removed: bool
) -> tuple[PushOutcome, tuple[str, ...]]:
    results: dict[str, ValidationState] = {}
    closed = removed
    for event in after:
        if closed or isinstance(event, DeploymentSucceeded | TargetSystemDissociated | TargetSystemAssociated):
            closed = True
            break
        if isinstance(event, ValidationChanged) and event.work_order_id == asked.work_order_id:
            results.setdefault(event.endpoint, event.state)
    not_reached = {UNREACHABLE, ValidationState.NAME_NOT_RESOLVED}
    seen = set(results.values())
    if not endpoints:
        outcome = PushOutcome.NOT_APPLICABLE
    elif seen - not_reached - {MATCHED}:
        outcome = PushOutcome.FAILED
    elif len(results) < len(endpoints):
        outcome = PushOutcome.SUPERSEDED if closed else PushOutcome.PENDING
    else:
        outcome = PushOutcome.UNREACHABLE if seen & not_reached else PushOutcome.SUCCESSFUL
    return outcome, tuple(results)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(200, 1200))
def test_every_push_counts_once_and_as_a_look_at_its_whole_history_says(seed: int, times: int) -> None:
    """Random histories: the same operations, outcomes and results as judging each finished story as a whole."""
    world = history(seed, times)
    found = operations(*world.events)
    assert _expected(world) == {
        key: (operation.outcome, tuple(result.endpoint for result in operation.results))
        for key, operation in found.items()
    }
    events = list(world.events)
    for operation in found.values():
        assert list(operation.positions) == sorted(set(operation.positions))
        named = {operation.connector_id, operation.work_order_id}
        assert all(events[position - 1][0] in named for position in operation.positions)


def _only(name: str, value: Any) -> PushFilter:
    wanted: Any = {name: (value,)}
    return PushFilter(**wanted)


async def test_operations_of_a_window(town: Town, ask: Views) -> None:
    """In the order of their requests; by window and by what they belong to; with the position they stand at."""
    everything = sorted(operations(*town.world.events).values(), key=lambda o: o.requested_position)
    assert len(everything) > 10
    assert everything == list(await ask.push_validation.operations())
    head = len(town.events)
    assert (head, everything) == await ask.push_validation.operations_at()
    assert everything == [o async for batch in ask.push_validation.stream() for o in batch]
    since, until = everything[2].requested_at, everything[-3].requested_at
    inside = [o for o in everything if since <= o.requested_at < until]
    assert inside == list(await ask.push_validation.operations(PushFilter(since=since, until=until)))
    one = everything[4]
    by_field: dict[str, Any] = {
        "connector_id": one.connector_id,
        "certificate_id": one.certificate_id,
        "target_system_id": one.target_system_id,
        "bridge_id": one.bridge_id,
        "work_order_id": one.work_order_id,
        "outcome": one.outcome,
    }
    for name, value in by_field.items():
        matching = [o for o in everything if getattr(o, name) == value]
        assert matching == list(await ask.push_validation.operations(_only(name, value)))
    nothing = PushFilter(until=town.events[0][2].meta.at)
    assert (head, []) == await ask.push_validation.operations_at(nothing)


# ---------------------------------------------------------------- the report


def _operation(number: int, outcome: PushOutcome, **different: Any) -> PushOperation:
    usual: dict[str, Any] = {
        "id": UUID(int=number),
        "deployment_id": UUID(int=number),
        "work_order_id": UUID(int=100 + number),
        "connector_id": UUID(int=1),
        "certificate_id": UUID(int=2),
        "target_system_id": UUID(int=3),
        "bridge_id": UUID(int=4),
        "kind": "nginx",
        "requested_at": T0 + number * HOUR,
        "requested_position": number,
        "outcome": outcome,
        "positions": (number, number + 1),
    }
    return PushOperation(**{**usual, **different})


SAMPLE = [
    _operation(1, PushOutcome.SUCCESSFUL),
    _operation(2, PushOutcome.SUCCESSFUL),
    _operation(3, PushOutcome.FAILED, cause="disk_full", kind="haproxy"),
    _operation(4, PushOutcome.UNREACHABLE, cause="unreachable"),
    _operation(5, PushOutcome.NOT_APPLICABLE),
    _operation(6, PushOutcome.SUPERSEDED, cause="digest_changed", bridge_id=None, kind=None),
    _operation(30, PushOutcome.PENDING),
]


def test_the_report_counts_and_divides() -> None:
    """Two ratios: unreachable counted as failure, and left out; what says nothing about success is in neither."""
    counted = report(SAMPLE, as_of_position=40).figures
    assert (7, 2, 1, 1, 1, 1, 1) == (
        counted.total,
        counted.successful,
        counted.failed,
        counted.unreachable,
        counted.not_applicable,
        counted.superseded,
        counted.pending,
    )
    assert (0.5, 0.666667) == (counted.success_ratio, counted.success_ratio_without_unreachable)
    nothing = report([], as_of_position=40).figures
    assert (0, None, None) == (nothing.total, nothing.success_ratio, nothing.success_ratio_without_unreachable)


def test_every_figure_links_to_the_positions_it_counts() -> None:
    """One item per operation, in the order of the requests."""
    items = report(reversed(SAMPLE), as_of_position=40).items
    assert [(o.outcome, o.positions) for o in SAMPLE] == [(item.outcome, item.positions) for item in items]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("day", {"2026-03-01": 6, "2026-03-02": 1}),
        ("target", {str(UUID(int=3)): 7}),
        ("bridge", {str(UUID(int=4)): 6, "none": 1}),
        ("driver", {"nginx": 5, "haproxy": 1, "none": 1}),
        ("cause", {"disk_full": 1, "unreachable": 1, "digest_changed": 1, "none": 4}),
    ],
)
def test_groups_add_up(group_by: Any, expected: dict[str, int]) -> None:
    """Each operation is in exactly one group."""
    groups = report(SAMPLE, as_of_position=40, group_by=group_by).groups
    assert expected == {group.key: group.figures.total for group in groups}
    assert [group.key for group in groups] == sorted(expected)


def test_a_window_leaves_out_what_is_outside() -> None:
    """The beginning belongs to it, the end does not."""
    since, until = SAMPLE[1].requested_at, SAMPLE[4].requested_at
    inside = report(SAMPLE, as_of_position=40, since=since, until=until)
    assert [UUID(int=n) for n in (2, 3, 4)] == [item.deployment_id for item in inside.items]
    assert inside.figures.total == 3
    later = report(SAMPLE, as_of_position=40, since=until + timedelta(days=99))
    assert later.items == ()


@given(order=st.permutations(SAMPLE))
def test_the_same_rows_give_the_same_bytes(order: list[PushOperation]) -> None:
    """In whatever order they come."""
    asked: Any = {"as_of_position": 40, "group_by": "cause"}
    assert msgspec.json.encode(report(SAMPLE, **asked)) == msgspec.json.encode(report(order, **asked))


def test_pushes_under_standing_approvals_are_counted_apart_too() -> None:
    """Among all, and once more by themselves; each names the approval."""
    standing = UUID(int=9)
    under = [_operation(7, PushOutcome.SUCCESSFUL, standing_approval_id=standing)]
    counted = report([*SAMPLE, *under], as_of_position=40)
    assert (8, 1, 1) == (
        counted.figures.total,
        counted.under_standing_approvals.total,
        counted.under_standing_approvals.successful,
    )
    assert [standing] == [item.standing_approval_id for item in counted.items if item.standing_approval_id]


def test_an_operation_keeps_the_standing_approval_of_its_work_order() -> None:
    """From its request on, and when it is dispatched."""
    standing = UUID(int=9)
    story = Story()
    first, *others = story.order
    story.order = (msgspec.structs.replace(first, standing_approval_id=standing), *others)
    story.events = [(CONNECTOR_ID, e) for e in story.connector] + [(ORDER_ID, e) for e in story.order]
    assert standing == story.dispatched().operation.standing_approval_id


@pytest.mark.parametrize(
    ("evidence", "vantage", "proof"),
    [
        ((), None, None),
        ((FROM_HERE, FROM_HERE), "control-plane", None),
        ((from_a_bridge(SIGNED), from_a_bridge(SIGNED)), "bridge", SIGNED),
        ((from_a_bridge(SIGNED), from_a_bridge(WORD)), "bridge", WORD),
        ((FROM_HERE, from_a_bridge(WORD)), "bridge", WORD),
        ((from_a_bridge(None),), "bridge", None),
    ],
)
def test_an_item_says_from_where_its_evidence_came(
    evidence: tuple[HandshakeEvidence, ...], vantage: str | None, proof: KeyProof | None
) -> None:
    """A bridge's evidence is told apart, with the weakest proof of it."""
    story = Story().deployed()
    for endpoint, each in zip(ENDPOINTS, evidence, strict=False):
        story.seen(MATCHED, endpoint, each)
    [item] = report([story.operation], as_of_position=99).items
    assert (vantage, proof) == (item.vantage, item.proof)
