"""Roles that were proposed in words: how they stand, and the buttons of the second person."""

from typing import NamedTuple

from api.asking import Reading
from api.pages.model import Button, Viewer
from domain import granting
from domain.principal import Principal
from domain.role_grant import GrantStatus, Role, RoleGrant
from domain.role_scope import role_words
from domain.roles import Permission, ask
from projections.principals.view import PrincipalRow

STATES: dict[GrantStatus, tuple[str, str, str]] = {
    GrantStatus.PROPOSED: ("Waits for a second person", "user-check", "warn"),
    GrantStatus.APPROVED: ("Approved", "circle-check", "good"),
    GrantStatus.REJECTED: ("Rejected", "circle-minus", "quiet"),
    GrantStatus.EXPIRED: ("Expired", "clock-exclamation", "quiet"),
}
_MAY = {
    Role.APPROVER: "They may then approve pushes, standing approvals, bridges and roles.",
    Role.IMPLEMENTER: "They may then implement, reschedule and retry pushes that were approved.",
}
_MAY_WITHIN = {
    Role.APPROVER: "They may then approve pushes of {}.",
    Role.IMPLEMENTER: "They may then implement, reschedule and retry approved pushes of {}.",
}


class Answer(NamedTuple):
    """How a yes or a no of the second person is asked for."""

    title: str
    sentence: str
    yes: str
    comment: bool


def answer_words(name: str, grant: RoleGrant) -> Answer:
    """What the dialog says; `name` is `approve` or `reject`."""
    role = role_words(grant.role.value, grant.scope)
    if name == "reject":
        return Answer(f"Reject the role {role}", "The role is not given. It can be proposed again.", "Reject", True)
    may = _MAY[grant.role] if grant.scope is None else _MAY_WITHIN[grant.role].format(grant.scope.words)
    return Answer(f"Approve the role {role}", f"{may} It counts from the next request on.", "Yes, approve", False)


def grant_buttons(
    row: PrincipalRow, viewer: Viewer, reading: Reading, only: RoleGrant | None = None
) -> tuple[Button, ...]:
    """Yes and no to each role that waits, or to one of them; none in the past."""
    if viewer.past or reading.moment is not None:
        return ()
    waits = [each for each in row.state.waiting(reading.now) if only is None or each.id == only.id]
    return tuple(button for each in waits for button in _buttons(row, each, viewer, reading))


def _buttons(row: PrincipalRow, grant: RoleGrant, viewer: Viewer, reading: Reading) -> tuple[Button, Button]:
    def approve(state: Principal = row.state) -> object:
        return granting.approve(state, reading.context().meta, grant.id, principal_id=row.id)

    url, role = f"/people/{row.id}/grants/{grant.id}", role_words(grant.role.value, grant.scope)
    yes = ask("approve", viewer.roles, Permission.APPROVE_GRANTS, approve)
    no = ask("reject", viewer.roles, Permission.APPROVE_GRANTS, lambda: None)
    return (
        Button(f"Approve role {role}", f"{url}/approve", yes.allowed, yes.reason, primary=True),
        Button(f"Reject role {role}", f"{url}/reject", no.allowed, no.reason),
    )
