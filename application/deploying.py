"""From an implemented work order to the bridge: dispatch, and lease. How it ends: application.deployment_ends."""

import asyncio
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from application import pem, target_secrets
from application.conversations import of_push
from application.deployment_ends import (
    changes_of,
    connector_and_order,
    give_up,
    give_up_overdue,
    own_lease,
    take_report,
)
from application.grounds import Grounds, grounds_of
from application.handing_out import hand_out, oldest_of_each_target
from application.house import Attempt, Context, Done, House, Loaded, append, carry_out, load, write
from application.ports import PendingDeployment, VersionConflict
from domain import deployment, ids
from domain.bridge import BRIDGE, Bridge
from domain.certificate import CERTIFICATE, KeyOrigin
from domain.connector import CONNECTOR, Connector
from domain.entity import Actor, ActorKind
from domain.push_states import DeploymentStatus, FailureCause
from domain.target_system import TARGET_SYSTEM
from domain.work_order_state import WORK_ORDER, WorkOrder

__all__ = [
    "DEPLOYMENT",
    "LeasedDeployment",
    "automation",
    "dispatch",
    "give_up",
    "give_up_overdue",
    "lease",
    "own_lease",
    "take_report",
]

DEPLOYMENT = "deployment"


class LeasedDeployment(NamedTuple):
    """What a bridge needs to install; the secrets in it leave this process only sealed to that bridge.

    `private_key_pem` None: the key lies on the target system, where it was made.
    """

    deployment_id: UUID
    connector_id: UUID
    fence: int
    target_system_id: UUID
    target_name: str
    kind: str
    settings: dict[str, Any]
    profile: str | None
    fingerprint_sha256: str
    fullchain_pem: str
    private_key_pem: str | None
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"LeasedDeployment({self.deployment_id}, fence {self.fence})"


async def dispatch(house: House, context: Context, work_order_id: UUID) -> Done[UUID]:
    """Queue an implemented work order for its bridge; everything is checked again. Repeating is harmless."""

    async def attempt() -> Attempt[UUID]:
        order = await load(house, WORK_ORDER, work_order_id)
        grounds = await grounds_of(house, order.found.connector_id)
        deployment_id = ids.derive("deployment", work_order_id, order.found.attempt)
        outcome = deployment.dispatch(
            work_order_id,
            order.found,
            grounds.connector.found,
            of_push(context, order.found).meta,
            deployment_id=deployment_id,
            current_digest=grounds.digest,
            settings=grounds.target.found.settings,
            deadline_at=context.at + timedelta(seconds=house.settings.dispatch_deadline),
            obstacle=await _obstacle(house, grounds, context),
        )
        asserted = grounds.assertions()[1:]
        return Attempt((*changes_of(grounds.connector, order, outcome), *asserted), deployment_id)

    return await carry_out(house, context, attempt, subject_id=work_order_id, action="push.dispatch")


async def _obstacle(house: House, grounds: Grounds, context: Context) -> tuple[FailureCause, str] | None:
    found = grounds.obstacle(context.at)
    if found is not None:
        return found
    if not (await load(house, BRIDGE, grounds.target.found.bridge_id)).found.trusted:
        return FailureCause.BRIDGE_DISCONNECTED, "The bridge of this target system is not approved, or not trusted."
    if grounds.certificate.found.has_private_key and not await house.vault.has_private_key(grounds.certificate.id):
        return FailureCause.INVALID_CERTIFICATE_OR_KEY, "The private key of this certificate is no longer stored here."
    return None


async def lease(house: House, context: Context, bridge_id: UUID, capacity: int) -> list[LeasedDeployment]:
    """Hand up to `capacity` waiting deployments to a bridge, each under a fresh fence.

    One that cannot be handed out (the vault does not open its key) ends by its deadline.
    """
    context = context.later(house.clock())  # the bridge may have been waiting for long
    offers = oldest_of_each_target(lambda limit: house.hints.pending_deployments(bridge_id, limit), capacity)
    return await hand_out(
        offers,
        lambda pending: _lease_one(house, context.part(pending.deployment_id), bridge_id, pending),
        capacity,
    )


async def _lease_one(
    house: House, context: Context, bridge_id: UUID, pending: PendingDeployment
) -> LeasedDeployment | None:
    bridge = await load(house, BRIDGE, bridge_id)
    if not bridge.found.trusted:
        return None  # it has waited for long, and is trusted no longer
    fence = await house.leases.take(
        pending.deployment_id,
        DEPLOYMENT,
        pending.connector_id,
        pending.target_system_id,
        bridge_id,
        house.settings.lease_seconds,
    )
    if fence is None:
        return None
    leased = await _start(house, context.part(fence), bridge, pending, fence)
    if leased is None:
        await house.leases.release(pending.deployment_id, fence)
    return leased


async def _start(
    house: House, context: Context, bridge: Loaded[Bridge], pending: PendingDeployment, fence: int
) -> LeasedDeployment | None:
    """Record that the bridge, still trusted, takes it; only then does anything secret leave the vault."""
    bridge_id = bridge.id
    connector = await load(house, CONNECTOR, pending.connector_id)
    state = connector.found
    if state.deployment_id != pending.deployment_id or state.settings is None or state.settings.bridge_id != bridge_id:
        return None
    connector, order = await connector_and_order(house, pending.connector_id)
    state, within = connector.found, of_push(context, order.found)
    events = deployment.start(state, within.meta, deployment_id=pending.deployment_id, bridge_id=bridge_id, fence=fence)
    if not events:
        return None
    if state.deployment_status is DeploymentStatus.PENDING and not order.found.open:
        why = _ended(order.found)
        await give_up(house, context, connector.id, pending.deployment_id, FailureCause.UNKNOWN, why)
        return None
    try:
        await append(house, within, write(connector, events), write(bridge, ()))
    except VersionConflict:
        return None  # it will be offered again
    material = await _material(house, pending, state, fence)
    if material is None:
        gone = "The private key, or the secrets of the target system, are no longer stored here."
        cause = FailureCause.INVALID_CERTIFICATE_OR_KEY
        await give_up(house, context.part("give-up"), connector.id, pending.deployment_id, cause, gone)
    return material


def _ended(order: WorkOrder) -> str:
    why = f", {order.ended_reason}" if order.ended_reason else ""
    return f"Its work order ended ({order.label}{why}) before the bridge picked the deployment up."


async def _material(house: House, pending: PendingDeployment, state: Connector, fence: int) -> LeasedDeployment | None:
    certificate, target = await asyncio.gather(
        load(house, CERTIFICATE, state.certificate_id), load(house, TARGET_SYSTEM, state.target_system_id)
    )
    assert state.settings is not None
    key = await house.vault.private_key(state.certificate_id)
    secrets = await target_secrets.read(house, state.target_system_id, state.settings.secrets_version)
    on_target = certificate.found.key_origin is KeyOrigin.ENDPOINT
    if secrets is None or (key is None and not on_target):
        return None
    return LeasedDeployment(
        deployment_id=pending.deployment_id,
        connector_id=pending.connector_id,
        fence=fence,
        target_system_id=state.target_system_id,
        target_name=target.found.name,
        kind=state.settings.kind,
        settings=state.settings.settings,
        profile=state.profile,
        fingerprint_sha256=certificate.found.facts.fingerprint_sha256,
        fullchain_pem=pem.certificates((certificate.found.der, *certificate.found.chain)),
        private_key_pem=None if key is None else pem.encode("PRIVATE KEY", key),
        secrets=secrets,
    )


def automation(name: str, on_behalf_of: str | None = None) -> Actor:
    """An automation as an actor, for the person whose decision it carries out."""
    return Actor(ActorKind.AUTOMATION, name, on_behalf_of=on_behalf_of)
