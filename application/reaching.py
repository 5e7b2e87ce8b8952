"""Whom a role within a scope lets do something: asked where the aggregates are loaded, of the tags they bear now."""

from typing import NamedTuple
from uuid import UUID

from application.house import Context, House, load, write
from application.ports import Change
from domain.certificate import CERTIFICATE, Certificate
from domain.role_scope import Concern
from domain.target_system import TARGET_SYSTEM, TargetSystem


class Reached(NamedTuple):
    """The context with the roles that count, and the assertions that the tags behind it do not change meanwhile."""

    within: Context
    rests_on: tuple[Change, ...] = ()


def of_certificate(found: Certificate) -> Concern:
    """What a command on a certificate alone concerns."""
    return Concern(certificate_tags=found.tags)


def of_target(found: TargetSystem) -> Concern:
    """What a command on a target system alone concerns."""
    return Concern(target_tags=found.tags)


def of_both(certificate: Certificate | None, target: TargetSystem | None) -> Concern:
    """What a command on a connector or its work order concerns."""
    return Concern(
        certificate_tags=certificate.tags if certificate is not None else (),
        target_tags=target.tags if target is not None else (),
    )


async def reach_connection(house: House, context: Context, *, certificate_id: UUID, target_system_id: UUID) -> Reached:
    """Of a command on what is between a certificate and a target system. Nothing is read for whoever holds no role
    within a scope. Raises Refused(outside-scope).
    """
    if not context.scoped:
        return Reached(context)
    certificate = await load(house, CERTIFICATE, certificate_id)
    target = await load(house, TARGET_SYSTEM, target_system_id)
    within = context.concerning(of_both(certificate.state, target.state))
    return Reached(within, (write(certificate, ()), write(target, ())))
