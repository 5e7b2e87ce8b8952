"""What every event carries, and how a stream folds."""

from collections.abc import Callable
from uuid import UUID

import pytest

from domain import ids
from domain.catalogue import AGGREGATE_OF, AGGREGATES, TOPICS
from domain.certificate import CertificateRenewed
from domain.connector_events import TargetSystemAssociated
from domain.discovery import DISCOVERY, DiscoveryCompleted
from domain.entity import Event
from domain.push_states import RESOLUTIONS, STATUS_LABELS, FailureCause, WorkOrderStatus
from domain.work_order_events import PushCancelled, PushExpired
from tests.support.deciders import state_of
from tests.support.histories import CERTIFICATE_ID, SYSTEM, TARGET_ID, associated, by, requested


def test_an_event_without_an_actor_cannot_be_constructed() -> None:
    """Who did it is not optional."""
    with pytest.raises(TypeError):
        PushExpired()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def _no_topic() -> None:
    class Nameless(Event, frozen=True, kw_only=True):
        pass


def _taken_topic() -> None:
    class Mine(Event, frozen=True, kw_only=True):
        topic = "work_order.push.cancelled"


def _same_name_elsewhere() -> None:
    type("PushCancelled", (Event,), {"topic": "work_order.push.cancelled", "__module__": __name__})


@pytest.mark.parametrize("define", [_no_topic, _taken_topic, _same_name_elsewhere])
def test_missing_and_duplicate_topics_fail_at_import(define: Callable[[], None]) -> None:
    """An event without a topic, or with one that belongs to another class, cannot be defined."""
    with pytest.raises(TypeError, match="topic"):
        define()
    assert TOPICS["work_order.push.cancelled"] is PushCancelled


def test_every_event_belongs_to_one_aggregate() -> None:
    """No topic twice, no event in two aggregates' tables, none without one."""
    listed = [event for aggregate in AGGREGATES for event in aggregate.events]
    assert len(listed) == len(set(listed)) == len(TOPICS)
    assert set(listed) == set(TOPICS.values()) == set(AGGREGATE_OF)
    assert len({aggregate.name for aggregate in AGGREGATES}) == len(AGGREGATES)


def test_topics_are_public_names_never_python_paths() -> None:
    """Lower case words and dots."""
    assert all(topic.replace(".", "").replace("_", "").isalpha() and topic.islower() for topic in TOPICS)
    assert all(event.__doc__ for event in TOPICS.values())


def test_an_event_of_another_aggregate_is_a_bug() -> None:
    """Folding an event that the table does not list fails loudly."""
    (foreign,) = associated()
    with pytest.raises(KeyError):
        DISCOVERY.fold([foreign])


def test_no_events_no_state() -> None:
    """An empty stream is nothing."""
    assert DISCOVERY.fold([]) is None


def test_subjects_are_the_ids_an_event_names() -> None:
    """`subject` in the audit log matches every id an event names; nested values are not searched."""
    (event,) = associated()
    assert isinstance(event, TargetSystemAssociated)
    assert list(event.subjects()) == [CERTIFICATE_ID, TARGET_ID]
    (request,) = requested()
    assert len(set(request.subjects())) == 4
    renewed = CertificateRenewed(meta=by(SYSTEM), renewed_to=CERTIFICATE_ID)
    assert list(renewed.subjects()) == [CERTIFICATE_ID]
    completed = DiscoveryCompleted(meta=by(SYSTEM), target_system_id=TARGET_ID, healthy=True)
    assert list(completed.subjects()) == [TARGET_ID]


def test_a_fold_never_changes_a_state_in_place() -> None:
    """The state before stays what it was."""
    before = state_of(*requested())
    AGGREGATE_OF[PushCancelled].fold([PushCancelled(meta=by(SYSTEM))], before)
    assert before == state_of(*requested())


def test_ids_follow_from_what_they_name() -> None:
    """The same thing twice is the same stream, in every version of this program."""
    assert ids.certificate_id("ab" * 32) == UUID("64029b9e-cf57-52a9-9bc2-35af0113bc5a")
    assert ids.connector_id(UUID(int=1), UUID(int=2), None) == UUID("b3e6135b-038a-5dd6-b936-3ad07d440791")
    assert ids.work_order_id(UUID(int=1), 1) == UUID("8dd088ab-8772-5ae3-96a2-de50f0453239")
    assert ids.connector_id(UUID(int=1), UUID(int=2), None) == ids.connector_id(UUID(int=1), UUID(int=2), "")


def test_every_status_has_its_words() -> None:
    """The manual's labels, and the manual's resolutions."""
    assert set(STATUS_LABELS) == set(WorkOrderStatus)
    assert set(RESOLUTIONS) == set(FailureCause)
    assert STATUS_LABELS[WorkOrderStatus.APPROVAL_PENDING] == "Push-Approval Pending"
    assert STATUS_LABELS[WorkOrderStatus.REVIEW_IN_PROGRESS] == "Push-Review In Progress"
    assert STATUS_LABELS[WorkOrderStatus.SCHEDULED] == "Push-Scheduled"
    assert STATUS_LABELS[WorkOrderStatus.IMPLEMENTING] == "Push-Implementation In Progress"
    assert STATUS_LABELS[WorkOrderStatus.COMPLETED] == "Completed"
    assert STATUS_LABELS[WorkOrderStatus.FAILED] == "Push-Failed"
