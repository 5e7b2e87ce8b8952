"""Available actions: what the pages offer, to whom, and why not."""

from datetime import datetime

import pytest

from domain import certificate_actions, roles, work_order_actions
from domain.certificate import CertificateRevoked
from domain.entity import Event
from domain.errors import Code, Refused
from domain.role_grant import Role
from domain.roles import Action, Permission
from tests.support.deciders import state_of
from tests.support.histories import (
    APPROVER,
    DAY,
    HOUR,
    IMPLEMENTER,
    OPERATOR,
    REQUESTER,
    T0,
    a_certificate,
    approved,
    by,
    implemented,
    imported,
    policy,
    requested,
    scheduled,
)
from tests.support.work_orders import ENDED, failed

ALL = frozenset(Role)
NOW = T0 + 3 * HOUR


def actions(
    history: tuple[Event, ...], person: str, held: frozenset[Role] = ALL, now: datetime = NOW
) -> dict[str, str | None]:
    """Action to None where it is allowed, else to the reason."""
    offered = work_order_actions.available_actions(state_of(*history), person=person, roles=held, now=now)
    assert all(a.allowed == (a.reason is None) for a in offered)
    return {a.action: a.reason for a in offered}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (requested(), ["approve", "reject", "cancel"]),
        (approved(), ["implement", "reject", "cancel"]),
        (requested(wanted=policy(1)), ["implement", "reject", "cancel"]),
        (scheduled(), ["reschedule", "reject", "cancel"]),
        (implemented(), []),
        (failed(), ["retry"]),
        *((history, []) for name, history in ENDED.items() if name != "failed"),
    ],
)
def test_what_makes_sense_in_each_status(history: tuple[Event, ...], expected: list[str]) -> None:
    """Approve while approvals are missing, then Implement; Retry after a failure; nothing while it runs or is over."""
    assert expected == list(actions(history, "somebody"))


def test_the_right_role_and_a_fresh_person() -> None:
    """An approver who did not request the push may approve it."""
    assert actions(requested(), APPROVER.id, frozenset({Role.APPROVER})) == {
        "approve": None,
        "reject": None,
        "cancel": "This takes the role requester.",
    }


def test_four_eyes_stop_whoever_holds_every_role() -> None:
    """`lead` holds requester, approver and implementer, and can still not approve an own request."""
    reasons = actions(requested(), REQUESTER.id)
    assert reasons["approve"] == "You requested this push, so somebody else has to approve it (four eyes)."
    assert reasons["cancel"] is None
    reasons = actions(approved(), APPROVER.id)
    assert (
        reasons["implement"] == "You have approved this push already, so somebody else has to implement it (four eyes)."
    )
    assert actions(approved(), IMPLEMENTER.id)["implement"] is None


def test_only_the_requester_cancels() -> None:
    """Others see why not."""
    assert "reject" in str(actions(requested(), OPERATOR.id)["cancel"])


def test_what_has_expired_cannot_be_approved() -> None:
    """Even before the timer has said so."""
    assert "expired" in str(actions(requested(), APPROVER.id, now=T0 + 8 * DAY)["approve"])
    assert "expired" in str(actions(failed(), IMPLEMENTER.id, now=T0 + 8 * DAY)["retry"])


@pytest.mark.parametrize("role", Role)
def test_each_action_takes_its_role(role: Role) -> None:
    """Roles add up, and a role that is missing is named."""
    held = frozenset({role})
    for history in (requested(), approved(), scheduled(), failed()):
        for action, reason in actions(history, REQUESTER.id, held).items():
            forbidden = reason is not None and reason.startswith("This takes the role")
            assert forbidden == (role not in roles.WHO_MAY[Permission(action)])


# ---------------------------------------------------------------- certificates

REQUESTING, OPERATING = frozenset({Role.REQUESTER}), frozenset({Role.OPERATOR})


NOT_ORDERED = "The certificate www.example.com was not ordered here; order a new one."


def test_push_download_and_revoke() -> None:
    """A requester pushes, an operator downloads and revokes; both are told what it takes or what forbids it."""
    assert certificate_actions.available_actions(a_certificate(), roles=REQUESTING, now=NOW) == (
        Action("push", allowed=True),
        Action("download", allowed=False, reason="This takes the role operator.", code="forbidden"),
        Action("export_pfx", allowed=False, reason="This takes the role operator.", code="forbidden"),
        Action("renew", allowed=False, reason=NOT_ORDERED, code="invalid-transition"),
        Action("revoke", allowed=False, reason="This takes the role operator.", code="forbidden"),
    )
    *offered, export, renew, revoke = certificate_actions.available_actions(a_certificate(), roles=OPERATING, now=NOW)
    assert offered == [
        Action("push", allowed=False, reason="This takes the role requester.", code="forbidden"),
        Action("download", allowed=True),
    ]
    assert renew == Action("renew", allowed=False, reason="This takes the role requester.", code="forbidden")
    assert revoke == Action("revoke", allowed=True)
    assert (export.action, export.allowed, "imported" in str(export.reason)) == ("export_pfx", False, True)


def test_push_takes_an_active_certificate_its_key_and_a_connector() -> None:
    """Each obstacle is said in a sentence."""
    revoked = state_of(*imported(), CertificateRevoked(meta=by(OPERATOR), reason="superseded"))
    keyless = a_certificate(with_key=False)
    cases = [(revoked, NOW, True, "revoked"), (a_certificate(), T0 + 900 * DAY, True, "expired")]
    cases += [(keyless, NOW, True, "private key"), (a_certificate(), NOW, False, "Add a target system")]
    for certificate, now, has_connector, reason in cases:
        push, *_ = certificate_actions.available_actions(
            certificate, roles=REQUESTING, now=now, has_connector=has_connector
        )
        assert not push.allowed
        assert reason in str(push.reason)


# ---------------------------------------------------------------- roles


def test_every_permission_has_a_role() -> None:
    """Nothing is out of everybody's reach, and everything that is allowed is allowed by somebody."""
    assert set(roles.WHO_MAY) == set(Permission)
    assert all(roles.WHO_MAY.values())


@pytest.mark.parametrize("permission", Permission)
def test_no_role_no_right(permission: Permission) -> None:
    """Deny by default: without a role not even reading; admins are no exception for what other roles do."""
    assert not roles.may(frozenset(), permission)
    with pytest.raises(Refused) as refused:
        roles.check_role(frozenset(), permission)
    assert refused.value.code is Code.FORBIDDEN
    may_configure = {
        "read",
        "providers",
        "acme_clients",
        "policies",
        "approve_bridges",
        "approve_grants",
        "standing_approvals",
        "report_schedules",
        "principals",
        "tokens",
        "channels",
        "legal_hold",
    }
    assert (Role.ADMIN in roles.WHO_MAY[permission]) == (permission in may_configure)


def test_the_table_of_the_contract() -> None:
    """Deploy is the requester's and the operator's; all roles read the estate."""
    assert roles.WHO_MAY[Permission.DEPLOY] == {Role.REQUESTER, Role.OPERATOR}
    assert roles.WHO_MAY[Permission.READ] == set(Role)
    assert roles.WHO_MAY[Permission.APPROVE] == {Role.APPROVER}
    assert roles.WHO_MAY[Permission.IMPLEMENT] == roles.WHO_MAY[Permission.RETRY] == {Role.IMPLEMENTER}
