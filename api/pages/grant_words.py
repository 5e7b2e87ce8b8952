"""Roles that were proposed in words: how they stand, and the steps of the second person."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from api.pages.steps import Step, UseCase
from application.granting import approve_grant, reject_grant
from application.house import Context, Done, House, load
from domain import granting
from domain.entity import Event, Meta
from domain.principal import PRINCIPAL, Principal
from domain.role_grant import FOUR_EYES, GrantStatus, Role
from domain.roles import Permission

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
_Decision = Callable[[House, Context, UUID, UUID, str | None], Awaitable[Done[Any]]]


def grant_steps(principal_id: UUID, roles: Iterable[Role] = FOUR_EYES) -> dict[str, Step[Principal]]:
    """The second person's yes and no, for roles that take two people."""
    found: dict[str, Step[Principal]] = {}
    for role in sorted(roles):
        found[f"approve-{role.value}"] = Step(
            f"Approve the role {role.value}",
            f"{_MAY[role]} It counts from the next request on.",
            "Yes, approve",
            Permission.APPROVE_GRANTS,
            _of(role, _approve),
            comment=False,
            admits=True,
            words=f"Approve role {role.value}",
            check=partial(_check, principal_id, role),
            primary=True,
        )
        found[f"reject-{role.value}"] = Step(
            f"Reject the role {role.value}",
            "The role is not given. It can be proposed again.",
            "Reject",
            Permission.APPROVE_GRANTS,
            _of(role, reject_grant),
            comment_label="Reason",
            admits=True,
            words=f"Reject role {role.value}",
        )
    return found


def _check(principal_id: UUID, role: Role, state: Principal, meta: Meta) -> tuple[Event, ...]:
    return granting.approve(state, meta, granting.latest(state, role).id, principal_id=principal_id)


def _of(role: Role, decision: _Decision) -> UseCase:
    """A page means the role, at the version of the principal that it shows; the ledger means the proposal."""

    async def carry_out(house: House, context: Context, principal_id: UUID, reason: str | None) -> Done[Any]:
        known = await load(house, PRINCIPAL, principal_id)
        return await decision(house, context, principal_id, granting.latest(known.found, role).id, reason)

    return carry_out


async def _approve(house: House, context: Context, principal_id: UUID, grant_id: UUID, _: str | None) -> Done[Any]:
    return await approve_grant(house, context, principal_id, grant_id)
