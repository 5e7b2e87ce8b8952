"""From an implemented work order to the bridge and back: dispatch, lease, report, give up."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from application import pem
from application.grounds import Grounds, grounds_of
from application.house import Attempt, Context, Done, House, Loaded, append, carry_out, load, write
from application.ports import Lease, PendingDeployment, VersionConflict
from domain import deployment, ids
from domain.bridge import BRIDGE
from domain.certificate import CERTIFICATE
from domain.connector import CONNECTOR, Connector
from domain.deployment import Outcome, Report
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.push_states import FailureCause
from domain.target_system import TARGET_SYSTEM
from domain.work_order_state import WORK_ORDER, WorkOrder

DEPLOYMENT = "deployment"


class LeasedDeployment(NamedTuple):
    """What a bridge needs to install; the secrets in it leave this process only sealed to that bridge."""

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
    private_key_pem: str
    secrets: dict[str, str]


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
            _within(context, order).meta,
            deployment_id=deployment_id,
            current_digest=grounds.digest,
            settings=grounds.target.found.settings,
            deadline_at=context.at + timedelta(seconds=house.settings.dispatch_deadline),
            obstacle=await _obstacle(house, grounds, context),
        )
        asserted = grounds.assertions()[1:]
        return Attempt((*_changes(grounds.connector, order, outcome), *asserted), deployment_id)

    return await carry_out(house, context, attempt, subject_id=work_order_id, action="push.dispatch")


async def _obstacle(house: House, grounds: Grounds, context: Context) -> tuple[FailureCause, str] | None:
    found = grounds.obstacle(context.at)
    if found is not None:
        return found
    if not (await load(house, BRIDGE, grounds.target.found.bridge_id)).found.trusted:
        return FailureCause.BRIDGE_DISCONNECTED, "The bridge of this target system is not enrolled, or retired."
    if grounds.certificate.found.has_private_key and not await house.vault.has_private_key(grounds.certificate.id):
        return FailureCause.INVALID_CERTIFICATE_OR_KEY, "The private key of this certificate is no longer stored here."
    return None


async def lease(house: House, context: Context, bridge_id: UUID, capacity: int) -> list[LeasedDeployment]:
    """Hand up to `capacity` waiting deployments to a bridge, each under a fresh fence."""
    taken: list[LeasedDeployment] = []
    for pending in await house.hints.pending_deployments(bridge_id, 4 * capacity):
        if len(taken) >= capacity:
            break
        leased = await _lease_one(house, context.part(pending.deployment_id), bridge_id, pending)
        if leased is not None:
            taken.append(leased)
    return taken


async def _lease_one(
    house: House, context: Context, bridge_id: UUID, pending: PendingDeployment
) -> LeasedDeployment | None:
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
    leased = await _start(house, context.part(fence), bridge_id, pending, fence)
    if leased is None:
        await house.leases.release(pending.deployment_id, fence)
    return leased


async def _start(
    house: House, context: Context, bridge_id: UUID, pending: PendingDeployment, fence: int
) -> LeasedDeployment | None:
    """Record that the bridge takes it; only then does anything secret leave the vault."""
    connector = await load(house, CONNECTOR, pending.connector_id)
    state = connector.found
    if state.settings is None or state.settings.bridge_id != bridge_id:
        return None
    within = await _correlated(house, context, state)
    events = deployment.start(state, within.meta, deployment_id=pending.deployment_id, bridge_id=bridge_id, fence=fence)
    if not events:
        return None
    try:
        await append(house, within, write(connector, events))
    except VersionConflict:
        return None  # it will be offered again
    material = await _material(house, pending, state, fence)
    if material is None:
        gone = "The private key of this certificate is no longer stored here."
        cause = FailureCause.INVALID_CERTIFICATE_OR_KEY
        await give_up(house, context, pending.connector_id, cause, gone)
    return material


async def _material(house: House, pending: PendingDeployment, state: Connector, fence: int) -> LeasedDeployment | None:
    certificate = (await load(house, CERTIFICATE, state.certificate_id)).found
    target = (await load(house, TARGET_SYSTEM, state.target_system_id)).found
    key = await house.vault.private_key(state.certificate_id)
    if key is None or state.settings is None:
        return None
    return LeasedDeployment(
        deployment_id=pending.deployment_id,
        connector_id=pending.connector_id,
        fence=fence,
        target_system_id=state.target_system_id,
        target_name=target.name,
        kind=state.settings.kind,
        settings=state.settings.settings,
        profile=state.profile,
        fingerprint_sha256=certificate.facts.fingerprint_sha256,
        fullchain_pem=pem.certificates((certificate.der, *certificate.chain)),
        private_key_pem=pem.encode("PRIVATE KEY", key),
        secrets=await house.vault.secrets(state.target_system_id),
    )


async def take_report(house: House, context: Context, said: Report) -> Done[Outcome]:
    """A bridge's word on its own lease. The first terminal report wins; others are recorded and change nothing."""
    held = await own_lease(house, said.deployment_id, said.bridge_id)

    async def attempt() -> Attempt[Outcome]:
        connector, order = await _pair(house, held.subject_id)
        within = _within(context, order)
        outcome = deployment.report(connector.found, order.found, within.meta, said)
        return Attempt(_changes(connector, order, outcome), outcome)

    done = await carry_out(house, context, attempt, subject_id=held.subject_id, action="push.report")
    await house.leases.release(said.deployment_id, said.fence)
    return done


async def own_lease(house: House, assignment_id: UUID, bridge_id: UUID) -> Lease:
    """The lease of an assignment; a bridge that never held it is told nothing about it."""
    held = await house.leases.find(assignment_id)
    if held is None or held.bridge_id != bridge_id:
        raise Refused(Code.FORBIDDEN, "This bridge holds no lease for that assignment.")
    return held


async def give_up(
    house: House, context: Context, connector_id: UUID, cause: FailureCause, message: str
) -> Done[Outcome]:
    """End an attempt without a report."""

    async def attempt() -> Attempt[Outcome]:
        connector, order = await _pair(house, connector_id)
        state = connector.found
        if state.deployment_id is None:
            return Attempt((), Outcome())
        meta = _within(context, order).meta
        outcome = deployment.give_up(
            state, order.found, meta, deployment_id=state.deployment_id, cause=cause, message=message
        )
        return Attempt(_changes(connector, order, outcome), outcome)

    return await carry_out(house, context, attempt, subject_id=connector_id, action="push.give_up")


async def give_up_overdue(house: House, context: Context, connector_id: UUID) -> Done[Outcome] | None:
    """Fail a deployment whose bridge had its time and holds no live lease."""
    state = (await load(house, CONNECTOR, connector_id)).found
    if state.deployment_id is None or not deployment.overdue(state, context.at):
        return None
    if await house.leases.alive(state.deployment_id):
        return None
    message = (
        "The bridge did not pick the deployment up in time."
        if state.taken_by is None
        else "The bridge went silent while it was deploying."
    )
    return await give_up(house, context, connector_id, FailureCause.BRIDGE_DISCONNECTED, message)


async def _pair(house: House, connector_id: UUID) -> tuple[Loaded[Connector], Loaded[WorkOrder]]:
    connector = await load(house, CONNECTOR, connector_id)
    work_order_id = connector.found.work_order_id
    if work_order_id is None:
        raise Refused(Code.NOT_FOUND, f"Nothing was deployed on connector {connector_id}.")
    return connector, await load(house, WORK_ORDER, work_order_id)


async def _correlated(house: House, context: Context, state: Connector) -> Context:
    if state.work_order_id is None:
        return context
    return _within(context, await load(house, WORK_ORDER, state.work_order_id))


def _within(context: Context, order: Loaded[WorkOrder]) -> Context:
    return context.within(order.found.request_id)


def _changes(connector: Loaded[Connector], order: Loaded[WorkOrder], outcome: Outcome) -> tuple[Any, ...]:
    return write(connector, outcome.connector), write(order, outcome.work_order)


def automation(name: str, on_behalf_of: str | None = None) -> Actor:
    """An automation as an actor, for the person whose decision it carries out."""
    return Actor(ActorKind.AUTOMATION, name, on_behalf_of=on_behalf_of)
