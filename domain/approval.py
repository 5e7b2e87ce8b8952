"""Who must say yes, to exactly what, and when it may happen (domain page, section 4, rules 4 to 7)."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain import ids
from domain.entity import Actor, Meta
from domain.errors import Code, Refused
from domain.role_grant import Role
from domain.target_system import TargetSettings


class ApprovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a policy, frozen into each work order at submission.

    `levels` counts the last one, Implement: two levels are one approval and the implementation; zero means that the
    push is implemented at once by the system. `level_roles`: for each level the roles of which whoever gives it must
    hold one, besides the role approver (implementer at the last level); unset, or empty at a level: no more than that.
    """

    id: UUID
    version: int
    name: str
    levels: int
    request_expires_after: timedelta = timedelta(days=7)
    approval_expires_after: timedelta = timedelta(days=7)
    level_roles: tuple[tuple[Role, ...], ...] | UnsetType = UNSET  # unset: as it was stored before there were any

    def roles_at(self, level: int) -> tuple[Role, ...]:
        """The roles that a level takes besides; levels count from 1."""
        roles = () if self.level_roles is UNSET else self.level_roles
        return roles[level - 1] if 0 < level <= len(roles) else ()

    @property
    def approvals_needed(self) -> int:
        """Approvals before Implement."""
        return max(self.levels - 1, 0)


DEFAULT_PUSH = ApprovalPolicy(id=ids.derive("approval-policy", "push"), version=1, name="Two-level push", levels=2)
DEFAULT_REDEPLOY = ApprovalPolicy(
    id=ids.derive("approval-policy", "redeploy"), version=1, name="Redeploy at any time", levels=0
)


def push_digest(
    *,
    fingerprint_sha256: str,
    connector_id: UUID,
    profile: str | None,
    endpoints: tuple[str, ...],
    server_name: str | None,
    target_system_id: UUID,
    settings: TargetSettings,
) -> str:
    """SHA-256 (hex) over exactly what will be pushed; an approval holds for this digest and no other."""
    what = [
        "certferry push digest v1",
        fingerprint_sha256,
        connector_id,
        profile,
        endpoints,
        server_name,
        target_system_id,
        settings,
    ]
    return hashlib.sha256(msgspec.json.encode(what, order="sorted")).hexdigest()


def person_of(actor: Actor) -> str:
    """The person behind an actor: a token or automation counts as whoever it acts for."""
    return actor.on_behalf_of or actor.id


def check_level_roles(policy: ApprovalPolicy, level: int, roles: frozenset[Role]) -> None:
    """Refuse with `forbidden` whoever holds none of the roles that the policy wants at this level."""
    wanted = policy.roles_at(level)
    if wanted and roles.isdisjoint(wanted):
        names = " or ".join(sorted(wanted))
        raise Refused(Code.FORBIDDEN, f"Level {level} of {policy.name} takes the role {names}, too.")


def check_schedule(meta: Meta, *, manual_implementation: bool, scheduled_at: datetime | None) -> None:
    """Manual On: a person implements, no time. Off: a time in the future, with a zone."""
    if manual_implementation:
        if scheduled_at is not None:
            raise _bad_time("With Manual Implementation on, no time can be set: leave scheduled_at out or turn it off.")
        return
    if scheduled_at is None:
        raise _bad_time("With Manual Implementation off, set the date and time of the push in scheduled_at.")
    if scheduled_at.tzinfo is None:
        raise _bad_time("scheduled_at needs a time zone, for example 2027-01-31T02:00:00Z.")
    if scheduled_at <= meta.at:
        raise _bad_time("scheduled_at is in the past; set a time that is still to come.")


def _bad_time(sentence: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer="/scheduled_at")
