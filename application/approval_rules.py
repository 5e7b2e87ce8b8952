"""Who must agree to a push: the approval policies and the standing approvals, as they stand in the ledger."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from application.grounds import Grounds
from application.house import House, Loaded, load, write
from application.ports import Change
from domain import approval_policy, ids, standing_approval
from domain.approval import ApprovalPolicy
from domain.approval_policy import APPROVAL_POLICIES, ApprovalTerms, Policies, PushAction
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR
from domain.register import Entry
from domain.standing_approval import STANDING_APPROVALS, Ground, StandingApprovals, ground_for
from domain.target_system import TARGET_SYSTEM
from domain.work_order_state import WorkOrder


class Rules(NamedTuple):
    """Both registers as they were read; `standing_approvals` only where they may count."""

    policies: Loaded[Policies]
    standing_approvals: Loaded[StandingApprovals] | None = None

    def policy(self, grounds: Grounds) -> ApprovalPolicy:
        """The policy that a push comes under."""
        return approval_policy.resolve(self.policies.state, grounds.asked)

    def standing(self, grounds: Grounds, now: datetime) -> Ground | None:
        """The standing approval that a push can run under, if any."""
        if self.standing_approvals is None:
            return None
        return ground_for(
            self.standing_approvals.state,
            now,
            facts=grounds.certificate.found.facts,
            target_system_id=grounds.target.id,
            settings_version=grounds.target.found.settings.version,
        )

    def assertions(self) -> tuple[Change, ...]:
        """Neither may move on before the decision commits."""
        read = (self.policies, self.standing_approvals)
        return tuple(write(register, ()) for register in read if register is not None)


async def load_rules(house: House, *, renewal: bool = False) -> Rules:
    """What a push comes under; only a renewal may run under a standing approval."""
    policies = load(house, APPROVAL_POLICIES, approval_policy.REGISTER)
    if not renewal:
        return Rules(await policies)
    return Rules(*await asyncio.gather(policies, load(house, STANDING_APPROVALS, standing_approval.REGISTER)))


class Resolved(NamedTuple):
    """What a push would come under: the first of the policies that match; `standing` if it is a renewal's."""

    action: PushAction
    matching: Sequence[Entry[ApprovalTerms]]
    standing: Ground | None


async def resolve_push(
    house: House,
    now: datetime,
    *,
    certificate_id: UUID,
    target_system_id: UUID,
    profile: str | None,
    action: PushAction | None,
) -> Resolved:
    """A dry run. Without `action`, that of the connector as it is; where there is none yet, a push."""
    certificate, target, connector, rules = await asyncio.gather(
        load(house, CERTIFICATE, certificate_id),
        load(house, TARGET_SYSTEM, target_system_id),
        load(house, CONNECTOR, ids.connector_id(certificate_id, target_system_id, profile)),
        load_rules(house, renewal=True),
    )
    certificate.named_by("/certificate_id")
    target.named_by("/target_system_id")
    grounds = Grounds(connector, certificate, target)
    asked = grounds.asked if action is None else msgspec.structs.replace(grounds.asked, action=action)
    matching = approval_policy.matching(rules.policies.state, asked)
    return Resolved(asked.action, matching, rules.standing(grounds, now))


async def standing_holds(house: House, order: WorkOrder, now: datetime) -> tuple[bool, tuple[Change, ...]]:
    """Does the standing approval of a work order hold, if it runs under one? With what this rests on."""
    if order.standing_approval_id is None:
        return True, ()
    known = await load(house, STANDING_APPROVALS, standing_approval.REGISTER)
    return standing_approval.holds(known.state, order.standing_approval_id, now), (write(known, ()),)
