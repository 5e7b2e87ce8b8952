"""Standing approvals: proposed by one, approved by another, for what they say and no longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain import ids, work_order
from domain.approval import DEFAULT_PUSH
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.push_states import WorkOrderStatus
from domain.standing_approval import (
    Ground,
    StandingApprovals,
    StandingStatus,
    approve,
    ground_for,
    holds,
    propose,
    revoke,
)
from domain.standing_terms import (
    ApprovedTarget,
    StandingTerms,
    Weekday,
    Window,
    checked,
    covers,
    digest_of,
    next_opening,
)
from tests.support.deciders import state_of
from tests.support.histories import (
    APPROVER,
    CERTIFICATE_ID,
    CONNECTOR_ID,
    DAY,
    DIGEST,
    HOUR,
    OPERATOR,
    REQUEST_ID,
    SYSTEM,
    T0,
    TARGET_ID,
    by,
    facts,
)

ENTRY = ids.derive("test", "standing")
AGREED = ApprovedTarget(target_system_id=TARGET_ID, settings_version=1)
NIGHT = Window(opens="22:00", closes="02:00", weekdays=(Weekday.SUNDAY,))


def terms(**different: Any) -> StandingTerms:
    usual = StandingTerms(
        name="Web shop",
        names=("example.com",),
        issuers=("CN=Local PKI",),
        key_algorithms=("ec-256",),
        target_system_ids=(TARGET_ID,),
        expires_at=T0 + 30 * DAY,
    )
    return msgspec.structs.replace(usual, **different)


def proposed(**different: Any) -> Any:
    return propose(None, by(OPERATOR), ENTRY, terms(**different))


def approved(**different: Any) -> Any:
    before = proposed(**different)
    return *before, *approve(state_of(*before).get(ENTRY), by(APPROVER), (AGREED,))


def ground(known: StandingApprovals, at: datetime = T0, **different: Any) -> Ground | None:
    usual: dict[str, Any] = {"facts": facts(), "target_system_id": TARGET_ID, "settings_version": 1}
    return ground_for(known, at, **usual | different)


def refusal(decision: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        decision()
    return caught.value


def test_it_counts_once_another_person_has_approved_it() -> None:
    """Whoever proposed it cannot, neither with a token; a second yes is refused; the digest is kept."""
    before = state_of(*proposed())
    assert ground(before) is None
    token = Actor(ActorKind.USER, "token", on_behalf_of=OPERATOR.id)
    for same in (OPERATOR, token):
        refused = refusal(lambda same=same: approve(before.get(ENTRY), by(same), (AGREED,)))
        assert Code.APPROVAL_NOT_ALLOWED is refused.code
    known = state_of(*approved())
    found = ground(known)
    assert found is not None
    assert (ENTRY, known.get(ENTRY).digest, None, 0) == (found.id, found.digest, found.begins_at, found.policy.levels)
    assert Code.INVALID_TRANSITION is refusal(lambda: approve(known.get(ENTRY), by(SYSTEM), (AGREED,))).code


@pytest.mark.parametrize(
    ("different", "of_push"),
    [
        ({"names": ("example.org",)}, {}),
        ({"issuers": ("Local PKI CA",)}, {}),
        ({"key_algorithms": ("rsa-2048",)}, {}),
        ({}, {"target_system_id": ENTRY}),
        ({}, {"settings_version": 2}),
        ({}, {"at": T0 + 30 * DAY}),
        ({"starts_at": T0 + HOUR}, {}),
        ({"window": NIGHT, "expires_at": T0 + HOUR}, {}),
    ],
    ids=["name", "issuer", "key", "target", "settings changed", "expired", "not yet", "no window left"],
)
def test_everything_must_hold(different: dict[str, Any], of_push: dict[str, Any]) -> None:
    """One thing that differs, and the push takes its ordinary approvals."""
    assert ground(state_of(*approved(**different)), **of_push) is None


def test_every_name_of_the_certificate_counts() -> None:
    """One name outside, and it is not covered; nothing rides along."""
    assert covers(terms(), facts())
    assert covers(terms(issuers=("Local PKI",)), facts())
    assert not covers(terms(), facts(subject_alternative_names=("www.example.com", "www.example.org")))
    assert not covers(terms(), facts(common_name="", subject_alternative_names=()))


def test_it_is_taken_back_at_any_time() -> None:
    """Once; a proposal too; one that has expired is over anyway."""
    for history in (proposed(), approved()):
        entry = state_of(*history).get(ENTRY)
        [event] = revoke(entry, by(OPERATOR))
        known = state_of(*history, event)
        assert StandingStatus.REVOKED is known.get(ENTRY).status(T0)
        assert ground(known) is None
        assert not holds(known, ENTRY, T0)
        assert () == revoke(known.get(ENTRY), by(OPERATOR))
    over = by(OPERATOR, T0 + 30 * DAY)
    assert Code.INVALID_TRANSITION is refusal(lambda: revoke(state_of(*approved()).get(ENTRY), over)).code


def test_names_are_unique_among_those_that_count() -> None:
    """Another one of the name can be proposed when the first is over."""
    known = state_of(*approved())
    again = refusal(lambda: propose(known, by(APPROVER), CERTIFICATE_ID, terms(name="WEB SHOP")))
    assert (Code.ALREADY_EXISTS, "/name") == (again.code, again.pointer)
    assert propose(known, by(APPROVER, T0 + 31 * DAY), CERTIFICATE_ID, terms())
    assert () == propose(known, by(OPERATOR), ENTRY, terms())


@pytest.mark.parametrize(
    ("different", "pointer"),
    [
        ({"expires_at": T0}, "/expires_at"),
        ({"expires_at": T0 + 401 * DAY}, "/expires_at"),
        ({"starts_at": T0 + 30 * DAY}, "/expires_at"),
        ({"names": ("example.com", "no name")}, "/names/1"),
        ({"window": Window(opens="2am", closes="03:00")}, "/window/opens"),
        ({"window": Window(opens="02:00", closes="24:00")}, "/window/closes"),
    ],
)
def test_wrong_terms_are_pointed_at(different: dict[str, Any], pointer: str) -> None:
    """Each at its field."""
    assert pointer == refusal(lambda: checked(terms(**different), T0)).pointer


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-03-01T12:00", "2026-03-01T22:00"),  # a Sunday
        ("2026-03-01T22:00", "2026-03-01T22:00"),
        ("2026-03-02T01:59", "2026-03-02T01:59"),
        ("2026-03-02T02:00", "2026-03-08T22:00"),
        ("2026-03-07T23:00", "2026-03-08T22:00"),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_opens_on(now: str, opening: str) -> None:
    """Open until it closes; otherwise the next opening."""
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert datetime.fromisoformat(opening).replace(tzinfo=UTC) == next_opening(NIGHT, at)
    assert at == next_opening(None, at)
    assert timedelta(0) <= next_opening(Window(opens="00:00", closes="00:00"), at) - at <= timedelta(0)


def pushed(found: Ground | None) -> Any:
    return work_order.request(
        by(Actor(ActorKind.AUTOMATION, "push-renewed", on_behalf_of="rita")),
        ordinal=1,
        request_id=REQUEST_ID,
        connector_id=CONNECTOR_ID,
        certificate_id=CERTIFICATE_ID,
        target_system_id=TARGET_ID,
        policy=DEFAULT_PUSH,
        digest=DIGEST,
        comment=None,
        standing=found,
    )


def test_a_push_under_it_begins_by_itself_and_says_so() -> None:
    """The work order keeps id and digest; nobody is asked, and nobody gave anything."""
    found = ground(state_of(*approved()))
    assert found is not None
    order = state_of(*pushed(found))
    assert (WorkOrderStatus.IMPLEMENTING, ENTRY, found.digest) == (
        order.status,
        order.standing_approval_id,
        order.standing_approval_digest,
    )
    assert [(0, "approval-policy")] == [(given.level, given.by.id) for given in order.approvals]
    assert WorkOrderStatus.APPROVAL_PENDING is state_of(*pushed(None)).status


def test_a_push_waits_for_the_window_and_expires_with_the_approval() -> None:
    """Scheduled for the opening; begun then while it holds, expired when it does not."""
    history = pushed(ground(state_of(*approved(window=NIGHT))))
    order = state_of(*history)
    opens = T0.replace(hour=22)
    assert (WorkOrderStatus.SCHEDULED, opens) == (order.status, order.scheduled_at)
    assert () == work_order.begin_scheduled(order, by(SYSTEM, opens - HOUR), standing_holds=False)
    [begun] = work_order.begin_scheduled(order, by(SYSTEM, opens))
    assert WorkOrderStatus.IMPLEMENTING is state_of(*history, begun).status
    [over] = work_order.begin_scheduled(order, by(SYSTEM, opens), standing_holds=False)
    assert WorkOrderStatus.EXPIRED is state_of(*history, over).status


def test_the_digest_is_over_terms_and_targets() -> None:
    """Anything else that is agreed on has another digest."""
    one = digest_of(ENTRY, terms(), (AGREED,))
    others = [
        digest_of(ENTRY, terms(names=("example.org",)), (AGREED,)),
        digest_of(ENTRY, terms(), (msgspec.structs.replace(AGREED, settings_version=2),)),
        digest_of(CERTIFICATE_ID, terms(), (AGREED,)),
    ]
    assert one not in others
    assert 3 == len(set(others))
