"""Who may call what: every kind of action, and the roles that allow it. Roles add up; everything else is denied.

Four eyes are no matter of roles: whoever holds the right role may still be stopped by the work order itself.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from domain.errors import Code, Refused
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern, covers


class Permission(StrEnum):
    """What a role may allow."""

    READ = "read"  # certificates, connectors, orders, work orders, target systems, bridges, topology, reports
    READ_EVERYTHING = "read_everything"  # all of that, and access logs, principals, policies; never secrets
    ORDER = "order"
    PUSH = "push"
    DEPLOY = "deploy"
    RENEW = "renew"
    CANCEL = "cancel"
    APPROVE = "approve"
    REJECT = "reject"
    IMPLEMENT = "implement"
    RESCHEDULE = "reschedule"
    RETRY = "retry"
    IMPORT = "import"
    DESCRIBE = "describe"  # owners and tags
    CONNECTORS = "connectors"
    TARGET_SYSTEMS = "target_systems"
    BRIDGES = "bridges"
    APPROVE_BRIDGES = "approve_bridges"
    PROVIDERS = "providers"
    ACME_CLIENTS = "acme_clients"  # keys for external account binding, accounts
    DISCOVER = "discover"
    VERIFY = "verify"
    DOWNLOAD = "download"
    EXPORT_PFX = "export_pfx"
    REVOKE = "revoke"
    ALERTS = "alerts"
    REVIEW = "review"  # attest a review of the inventory
    EXPORT_AUDIT = "export_audit"  # exports and proofs
    POLICIES = "policies"
    STANDING_APPROVALS = "standing_approvals"  # propose, approve, revoke
    PRINCIPALS = "principals"
    APPROVE_GRANTS = "approve_grants"  # of roles, as the second person
    TOKENS = "tokens"
    CHANNELS = "channels"
    LEGAL_HOLD = "legal_hold"
    REPORT_SCHEDULES = "report_schedules"  # which reports are sent to whom


_EVERYBODY = frozenset(Role)
_P = Permission

_OF_ROLE: dict[Role, tuple[Permission, ...]] = {
    Role.REQUESTER: (_P.ORDER, _P.PUSH, _P.DEPLOY, _P.RENEW, _P.CANCEL),
    Role.APPROVER: (_P.APPROVE, _P.REJECT, _P.STANDING_APPROVALS, _P.APPROVE_BRIDGES, _P.APPROVE_GRANTS),
    Role.IMPLEMENTER: (_P.IMPLEMENT, _P.RESCHEDULE, _P.RETRY),
    Role.OPERATOR: (
        _P.IMPORT,
        _P.DESCRIBE,
        _P.CONNECTORS,
        _P.TARGET_SYSTEMS,
        _P.BRIDGES,
        _P.APPROVE_BRIDGES,
        _P.PROVIDERS,
        _P.ACME_CLIENTS,
        _P.DISCOVER,
        _P.VERIFY,
        _P.DOWNLOAD,
        _P.EXPORT_PFX,
        _P.REVOKE,
        _P.DEPLOY,
        _P.ALERTS,
        _P.REVIEW,
    ),
    Role.AUDITOR: (_P.READ_EVERYTHING, _P.EXPORT_AUDIT, _P.REVIEW, _P.REPORT_SCHEDULES),
    Role.ADMIN: (
        _P.APPROVE_BRIDGES,
        _P.PROVIDERS,
        _P.ACME_CLIENTS,
        _P.POLICIES,
        _P.STANDING_APPROVALS,
        _P.PRINCIPALS,
        _P.APPROVE_GRANTS,
        _P.TOKENS,
        _P.CHANNELS,
        _P.LEGAL_HOLD,
        _P.REPORT_SCHEDULES,
    ),
}

WHO_MAY: dict[Permission, frozenset[Role]] = {
    permission: frozenset(role for role, allowed in _OF_ROLE.items() if permission in allowed)
    for permission in Permission
} | {Permission.READ: _EVERYBODY}


def may(roles: frozenset[Role], permission: Permission) -> bool:
    """Does one of the roles allow it?"""
    return not roles.isdisjoint(WHO_MAY[permission])


NO_ROLES: frozenset[Role] = frozenset()


class Reach(NamedTuple):
    """The roles that count for what something concerns, and those that are held within scopes that do not reach it."""

    roles: frozenset[Role]
    outside: frozenset[Role] = NO_ROLES


def reach(roles: frozenset[Role], scoped: frozenset[ScopedRole], *concerns: Concern) -> Reach:
    """Which roles count for what is concerned: `roles`, held everywhere, and of the `scoped` ones those that reach it.
    Of several concerns (the tags before and after a change) a role has to reach each; without any, none does.
    """
    if not scoped:
        return Reach(roles)
    reaching = [{each.role for each in scoped if covers(each.scope, concern)} for concern in concerns]
    counting = roles.union(set[Role]().union(*reaching[:1]).intersection(*reaching[1:]))
    return Reach(counting, frozenset(each.role for each in scoped) - counting)


def check_role(roles: frozenset[Role], permission: Permission, outside: frozenset[Role] = NO_ROLES) -> None:
    """Refuse with `forbidden`, naming the roles that would do; with `outside-scope` who holds one of these, but within
    a scope that does not reach this (`outside`).
    """
    if may(roles, permission):
        return
    wanted = WHO_MAY[permission]
    if not outside.isdisjoint(wanted):
        raise outside_scope(outside & wanted)
    raise Refused(Code.FORBIDDEN, f"This takes the role {_either(wanted)}.")


def outside_scope(held: Iterable[Role]) -> Refused:
    """Whoever holds these roles, but within scopes that do not reach what this is about."""
    return Refused(Code.OUTSIDE_SCOPE, f"This is outside the scope of your role {_either(held)}.")


def _either(roles: Iterable[Role]) -> str:
    return " or ".join(sorted(role.value for role in roles))


class Action(msgspec.Struct, frozen=True):
    """Something one could do here now, whether this caller may, and if not, why: a sentence for people, and the code of
    the refusal for programs.
    """

    action: str
    allowed: bool
    reason: str | None = None
    code: str | None = None


def ask(
    action: str,
    roles: frozenset[Role],
    permission: Permission,
    decision: Callable[[], Any],
    outside: frozenset[Role] = NO_ROLES,
) -> Action:
    """The decision itself says whether the caller may: an action is allowed exactly when it would not be refused."""
    try:
        check_role(roles, permission, outside)
        decision()
    except Refused as refused:
        return Action(action, allowed=False, reason=refused.detail, code=refused.code.value)
    return Action(action, allowed=True)
