"""What is offered is what would be decided: available actions agree with the decisions, and colours with the clock."""

from datetime import datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain import certificate_actions, colour
from domain.approval import person_of
from domain.certificate import Certificate, CertificateRevoked, KeyOrigin, check_key_available, check_pushable
from domain.colour import PRECEDENCE
from domain.entity import Actor
from domain.errors import Code, Refused
from domain.role_grant import Role
from domain.roles import WHO_MAY, Permission
from domain.work_order_actions import available_actions
from domain.work_order_state import WorkOrder
from tests.properties.strategies import ACTORS, LAW, STORIES, Command, Story, carry_out, tell
from tests.support.deciders import state_of
from tests.support.histories import DAY, HOUR, OPERATOR, T0, by, facts, imported

ROLES = st.frozensets(st.sampled_from(list(Role)))
STEPS = ("approve", "implement", "reject", "cancel", "reschedule", "retry")
NO_TIME = timedelta(0)


def refusal(order: WorkOrder, command: Command, now: datetime) -> Code | None:
    """How the decision itself refuses, if it does."""
    try:
        carry_out(order, command, now)
    except Refused as refused:
        return refused.code
    return None


@LAW
@given(
    STORIES,
    ACTORS,
    ROLES,
    st.sampled_from([NO_TIME, HOUR, 5 * DAY, 8 * DAY]),
    st.sampled_from([None, 1, 48]),
)
def test_an_action_is_allowed_exactly_when_its_decision_does_not_refuse(
    story: Story, actor: Actor, roles: frozenset[Role], later: timedelta, in_hours: int | None
) -> None:
    """For every caller, token or not, and whatever time is chosen; what is not offered would be refused."""
    _, order, at = tell(story)
    now = at + later
    offered = available_actions(order, person=person_of(actor), roles=roles, now=now)
    by_name = {action.action: action for action in offered}
    assert len(offered) == len(by_name)
    for step in STEPS:
        code = refusal(order, Command(step, actor, NO_TIME, order.digest, in_hours), now)
        if step in by_name:
            has_role = not roles.isdisjoint(WHO_MAY[Permission(step)])
            assert by_name[step].allowed == (has_role and code is None)
            assert by_name[step].allowed == (by_name[step].reason is None)
        else:
            assert code in (Code.INVALID_TRANSITION, Code.APPROVAL_NOT_ALLOWED)


MOMENTS = st.integers(-20 * 86400, 220 * 86400).map(lambda seconds: T0 + timedelta(seconds=seconds))


def certificate(origin: KeyOrigin, revoked_at: datetime | None) -> Certificate:
    events = () if revoked_at is None else (CertificateRevoked(meta=by(OPERATOR, revoked_at), reason="superseded"),)
    found: Certificate = state_of(*imported(), *events)
    return msgspec.structs.replace(found, key_origin=origin)


@LAW
@given(st.sampled_from(KeyOrigin), st.none() | MOMENTS, MOMENTS, ROLES, st.booleans())
def test_push_is_offered_exactly_when_it_would_not_be_refused(
    origin: KeyOrigin, revoked_at: datetime | None, now: datetime, roles: frozenset[Role], has_connector: bool
) -> None:
    """An active certificate with a key and a connector, and a requester; downloads and revocation take an operator."""
    found = certificate(origin, revoked_at)
    push, download, _, _, revoke = certificate_actions.available_actions(
        found, roles=roles, now=now, has_connector=has_connector
    )
    try:
        check_pushable(found, now)
        check_key_available(found)
        refused = False
    except Refused:
        refused = True
    assert push.allowed == (Role.REQUESTER in roles and has_connector and not refused)
    assert download.allowed == (Role.OPERATOR in roles)
    assert revoke.allowed == (Role.OPERATOR in roles and revoked_at is None)


@LAW
@given(st.none() | MOMENTS, MOMENTS, MOMENTS)
def test_colours_only_grow_more_urgent(revoked_at: datetime | None, one: datetime, other: datetime) -> None:
    """As time goes by and nothing else happens."""
    found = certificate(KeyOrigin.IMPORTED, revoked_at)
    earlier, later = (colour.of_certificate(found, now) for now in sorted((one, other)))
    assert PRECEDENCE[later.colour] <= PRECEDENCE[earlier.colour]
    assert earlier.reasons
    assert facts().not_after >= max(one, other) or later.colour in {"red", "black"}
