"""Holding orders against the issuance policies, as they stand in the ledger, never in a read model that lags."""

from typing import NamedTuple
from uuid import UUID

from application.house import House, load, write
from application.issuing_ports import Issuers
from application.ports import Change
from domain.certificate_order import OrderParameters
from domain.entity import Actor
from domain.issuance_policy import ISSUANCE_POLICIES, REGISTER, in_force
from domain.issuance_rules import InForce, Requested, Requester, asked, judge
from domain.principal import PRINCIPAL
from domain.subjects import person_behind
from domain.violation import UNTOUCHED, Judgement


class Judged(NamedTuple):
    """What the policies say, and the assertion that they have not changed since."""

    judgement: Judgement
    rests_on: Change


async def judge_order(house: House, actor: Actor, issuers: Issuers, parameters: OrderParameters) -> Judged:
    """What the policies in force say of an order that the actor makes. Raises Refused for a request that is none."""
    known = await load(house, ISSUANCE_POLICIES, REGISTER)
    policies = in_force(known.state)
    if not policies:
        return Judged(UNTOUCHED, write(known, ()))
    requested = _requested(issuers, parameters)
    order = asked(parameters, requested, await _requester(house, actor, policies))
    return Judged(judge(policies, order), write(known, ()))


def _requested(issuers: Issuers, parameters: OrderParameters) -> Requested | None:
    if parameters.csr_pem is None:
        return None
    found = issuers.requested(parameters.csr_pem)
    return Requested(found.algorithm, found.common_name or "", found.names)


async def _requester(house: House, actor: Actor, policies: tuple[InForce, ...]) -> Requester:
    """The roles are looked up where a rule asks for them."""
    principal_id = _principal(actor)
    if principal_id is None or not any(rule.roles for policy in policies for rule in policy.rules):
        return Requester(actor.kind, principal_id)
    principal = (await load(house, PRINCIPAL, principal_id)).state
    return Requester(actor.kind, principal_id, frozenset(principal.roles if principal is not None else ()))


def _principal(actor: Actor) -> UUID | None:
    try:
        return UUID(person_behind(actor))
    except (ValueError, TypeError):
        return None
