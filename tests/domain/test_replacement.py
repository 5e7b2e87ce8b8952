"""A mass replacement: planned, ordered batch by batch, complete, retried, cancelled."""

import pytest

from domain import replacement as replacements
from domain.errors import Code, Refused
from domain.replacement import (
    ReplacementBatchOrdered,
    ReplacementCancelled,
    ReplacementCompleted,
    ReplacementPlanned,
    ReplacementRequested,
    ReplacementRetried,
    ReplacementStatus,
)
from domain.replacement_criteria import ReplacementCriteria, check_narrow
from tests.support.deciders import given
from tests.support.histories import DAY, HOUR, OPERATOR, SYSTEM, T0, by

CRITERIA = ReplacementCriteria(key_algorithm=("rsa-2048",))
REQUESTED = ReplacementRequested(meta=by(OPERATOR), criteria=CRITERIA, reason="too short")
META = by(SYSTEM, T0 + HOUR)
PLANNED = ReplacementPlanned(meta=META, certificates=60, batches=2)
FIRST = ReplacementBatchOrdered(meta=META, number=0, round=1, ordered=49, refused=1)
SECOND = ReplacementBatchOrdered(meta=META, number=1, round=1, ordered=10, refused=0)
COMPLETED = ReplacementCompleted(meta=META, complete=58, failed=1, skipped=1)
ENDED = (REQUESTED, PLANNED, FIRST, SECOND, COMPLETED)


def test_a_plan_stands_once_it_is_made() -> None:
    """Planning again, after a crash, makes no second plan; one without certificates has nothing to wait for."""
    then = given(REQUESTED).when(replacements.plan, META, certificates=60, batches=2).then(PLANNED)
    assert (then.state.status, then.state.all_ordered) == (ReplacementStatus.RUNNING, False)
    given(REQUESTED, PLANNED).when(replacements.plan, META, certificates=61, batches=3).then_nothing()
    nothing = ReplacementCompleted(meta=META, complete=0, failed=0, skipped=0)
    empty = given(REQUESTED).when(replacements.plan, META, certificates=0, batches=0)
    empty.then(ReplacementPlanned(meta=META, certificates=0, batches=0), nothing)


def test_batches_are_ordered_in_their_order_and_once() -> None:
    """Whoever is late, or too early, changes nothing."""
    given(REQUESTED, PLANNED).when(replacements.ordered, META, 0, ordered=49, refused=1).then(FIRST)
    given(REQUESTED, PLANNED).when(replacements.ordered, META, 1, ordered=10, refused=0).then_nothing()
    given(REQUESTED, PLANNED, FIRST).when(replacements.ordered, META, 0, ordered=49, refused=1).then_nothing()
    given(REQUESTED, PLANNED, FIRST).when(replacements.ordered, META, 1, ordered=10, refused=0).then(SECOND)


def test_it_is_complete_only_when_everything_was_ordered() -> None:
    """Before that, and twice, it is not."""
    counts = {"complete": 58, "failed": 1, "skipped": 1}
    given(REQUESTED, PLANNED, FIRST).when(replacements.complete, META, **counts).then_nothing()
    then = given(REQUESTED, PLANNED, FIRST, SECOND).when(replacements.complete, META, **counts).then(COMPLETED)
    assert (then.state.status, then.state.ended_at) == (ReplacementStatus.COMPLETED, META.at)
    given(*ENDED).when(replacements.complete, META, **counts).then_nothing()


def test_a_retry_begins_at_the_first_batch_again() -> None:
    """In a new round, once it has ended; while it runs there is nothing to retry."""
    later = by(OPERATOR, T0 + DAY)
    then = given(*ENDED).when(replacements.retry, later).then(ReplacementRetried(meta=later, round=2))
    state = then.state
    assert (state.status, state.round, state.next_batch, state.ended_at) == (ReplacementStatus.RUNNING, 2, 0, None)
    given(REQUESTED, PLANNED).when(replacements.retry, later).refused(Code.INVALID_TRANSITION)
    given(REQUESTED).when(replacements.retry, later).refused(Code.INVALID_TRANSITION)


def test_a_cancelled_one_orders_no_more() -> None:
    """Also while it is planned; it can be taken up again, an ended one cannot be cancelled."""
    cancelled = ReplacementCancelled(meta=META)
    given(REQUESTED).when(replacements.cancel, META).then(cancelled)
    stopped = given(REQUESTED, PLANNED, FIRST, cancelled)
    stopped.when(replacements.ordered, META, 1, ordered=10, refused=0).then_nothing()
    stopped.when(replacements.retry, META).then(ReplacementRetried(meta=META, round=2))
    given(*ENDED).when(replacements.cancel, META).refused(Code.INVALID_TRANSITION)


def test_nobody_replaces_the_whole_inventory_by_a_field_that_got_lost() -> None:
    """A filter has to say something; a status alone says too little."""
    check_narrow(CRITERIA)
    for empty in (ReplacementCriteria(), ReplacementCriteria(status=())):
        with pytest.raises(Refused) as refused:
            check_narrow(empty)
        assert (refused.value.code, refused.value.pointer) == (Code.VALIDATION_FAILED, "/filter")
