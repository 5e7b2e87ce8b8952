"""Pushes, from the association to the verification."""

from datetime import timedelta
from uuid import UUID

from domain import association, deployment, discovery, ids, sync, verification, work_order
from domain.access import PushRefused
from domain.approval import DEFAULT_PUSH, DEFAULT_REDEPLOY
from domain.connector_events import HandshakeEvidence, Step, SyncReason, SyncState, ValidationState
from domain.discovery import DiscoveryStarted, FoundCertificate
from domain.entity import Actor, ActorKind, Event, Meta
from domain.errors import Refused
from domain.push_states import OPEN_STATUSES, FailureCause, SupersededReason, WorkOrderStatus
from domain.verification import VerificationRunCompleted, VerificationRunStarted
from domain.verification_plan import Vantage, VerificationPlan
from tests.projections.world import ENDPOINTS, Change, World

_UNDECIDED = {*OPEN_STATUSES, WorkOrderStatus.FAILED} - {WorkOrderStatus.IMPLEMENTING}


def associate(world: World) -> tuple[Change, ...]:
    (certificate_id, leaf), (target_id, target) = world.any("certificate"), world.any("target")
    profile = world.one_of(None, None, "shop")
    made = ids.connector_id(certificate_id, target_id, profile)
    events = association.associate(
        world.states.get(made),
        world.by(),
        certificate_id=certificate_id,
        certificate=leaf,
        target_system_id=target_id,
        target=target,
        profile=profile,
        endpoints=world.one_of((), ENDPOINTS[2:3], ENDPOINTS[1:4]),
        server_name=world.one_of(None, "www.example.com"),
    )
    if made not in world.states:
        world.new("connector", made)
    return ((made, events),)


def dissociate(world: World) -> tuple[Change, ...]:
    chosen, state = world.any("connector")
    events = association.dissociate(state, world.by())
    ended = [
        (order_id, work_order.supersede(world.states[order_id], world.by(), SupersededReason.CONNECTOR_REMOVED))
        for order_id in world.all("work_order")
        if world.states[order_id].connector_id == chosen
    ]
    return (chosen, events), *ended


def push(world: World) -> tuple[Change, ...]:
    connector_id, state = world.any("connector")
    before = [o for o in world.all("work_order") if world.states[o].connector_id == connector_id]
    if not state.associated or any(world.states[o].open for o in before):
        return ()
    digest = world.digest_of(connector_id)
    events = work_order.request(
        world.by(),
        ordinal=len(before) + 1,
        request_id=world.new("request"),
        connector_id=connector_id,
        certificate_id=state.certificate_id,
        target_system_id=state.target_system_id,
        policy=DEFAULT_REDEPLOY if state.deployed_digest == digest else DEFAULT_PUSH,
        digest=digest,
        comment=world.one_of(None, "please"),
    )
    return ((world.new("work_order", ids.work_order_id(connector_id, len(before) + 1)), events),)


def decide(world: World) -> tuple[Change, ...]:
    chosen = world.one_of(*(o for o in world.all("work_order") if world.states[o].status in _UNDECIDED))
    order = world.states[chosen]
    meta, digest = world.by(), world.digest_of(order.connector_id)
    try:
        if order.status is WorkOrderStatus.APPROVAL_PENDING:
            return ((chosen, work_order.approve(order, meta)),)
        if order.status is WorkOrderStatus.REVIEW_IN_PROGRESS:
            later = world.one_of(None, None, world.now + timedelta(hours=1))
            manual = later is None
            return (
                (
                    chosen,
                    work_order.implement(
                        order, meta, current_digest=digest, manual_implementation=manual, scheduled_at=later
                    ),
                ),
            )
        if order.status is WorkOrderStatus.FAILED:
            return ((chosen, work_order.retry(order, meta, current_digest=digest)),)
    except Refused as refused:
        log = (ids.access_log_id(chosen), (_refusal(meta, chosen, refused),))
        return log, (chosen, refused.records)
    return ((chosen, work_order.begin_scheduled(order, meta)),)


def _refusal(meta: Meta, subject: UUID, refused: Refused) -> Event:
    return PushRefused(meta=meta, subject_id=subject, action="push", code=refused.code.value, detail=refused.detail)


def end_order(world: World) -> tuple[Change, ...]:
    chosen, order = world.any("work_order")
    step = world.one_of(work_order.reject, work_order.cancel, work_order.expire)
    return ((chosen, step(order, world.by())),)


def dispatch(world: World) -> tuple[Change, ...]:
    waiting = [o for o in world.all("work_order") if world.states[o].status is WorkOrderStatus.IMPLEMENTING]
    chosen = world.one_of(*waiting)
    order = world.states[chosen]
    obstacle = world.one_of(None, None, None, (FailureCause.INVALID_CERTIFICATE_OR_KEY, "revoked"))
    outcome = deployment.dispatch(
        chosen,
        order,
        world.states[order.connector_id],
        world.by(Actor(ActorKind.SYSTEM, "dispatcher")),
        deployment_id=ids.derive("deployment", chosen, order.attempt),
        current_digest=world.digest_of(order.connector_id),
        settings=world.settings_of(order.target_system_id),
        deadline_at=world.now + timedelta(minutes=10),
        obstacle=obstacle,
    )
    return (order.connector_id, outcome.connector), (chosen, outcome.work_order)


def start(world: World) -> tuple[Change, ...]:
    chosen = world.one_of(*(c for c in world.all("connector") if world.states[c].in_flight))
    state = world.states[chosen]
    taker = state.settings.bridge_id
    meta = world.by(Actor(ActorKind.BRIDGE, str(taker)))
    fence = state.fence + 1
    return ((chosen, deployment.start(state, meta, deployment_id=state.deployment_id, bridge_id=taker, fence=fence)),)


def report(world: World) -> tuple[Change, ...]:
    chosen = world.one_of(*(c for c in world.all("connector") if world.states[c].taken_by is not None))
    state = world.states[chosen]
    said = deployment.Report(
        deployment_id=state.deployment_id,
        bridge_id=state.taken_by,
        fence=state.fence - world.one_of(0, 0, 0, 0, 1),
        succeeded=world.one_of(True, True, False),
        message="done",
        cause=world.one_of(*FailureCause),
        steps=(Step("write", "ok"),),
    )
    meta = world.by(Actor(ActorKind.BRIDGE, str(state.taken_by)))
    outcome = deployment.report(state, world.states[state.work_order_id], meta, said)
    return (chosen, outcome.connector), (state.work_order_id, outcome.work_order)


def give_up(world: World) -> tuple[Change, ...]:
    chosen = world.one_of(*(c for c in world.all("connector") if world.states[c].in_flight))
    state = world.states[chosen]
    outcome = deployment.give_up(
        state,
        world.states[state.work_order_id],
        world.by(Actor(ActorKind.SYSTEM, "dispatcher")),
        deployment_id=state.deployment_id,
        cause=FailureCause.BRIDGE_DISCONNECTED,
        message="the bridge did not come",
    )
    return (chosen, outcome.connector), (state.work_order_id, outcome.work_order)


def look_at_target(world: World) -> tuple[Change, ...]:
    target_id, _ = world.any("target")
    run = world.new("discovery")
    started = DiscoveryStarted(meta=world.by(), target_system_id=target_id, trigger=world.one_of("user", "schedule"))
    world.append((run, (started,)))
    healthy = world.one_of(True, True, False)
    found = (FoundCertificate(place="default", fingerprint_sha256="ab" * 32),)
    if world.one_of(True, True, False):
        world.append((run, discovery.complete(world.states[run], world.by(), healthy=healthy, message="", found=found)))
    changes: list[Change] = []
    for chosen in world.all("connector"):
        if world.states[chosen].target_system_id == target_id:
            state, reason = world.one_of((SyncState.IN_SYNC, None), (SyncState.OUT_OF_SYNC, SyncReason.NOT_RETURNED))
            seen = sync.observe(world.states[chosen], world.by(), discovery_id=run, state=state, reason=reason)
            changes.append((chosen, seen))
    return tuple(changes)


def configure(world: World) -> tuple[Change, ...]:
    """How a connector is verified is changed, or set back."""
    chosen, state = world.any("connector")
    plan = VerificationPlan(
        grace_seconds=world.one_of(None, 0, 600),
        every_seconds=world.one_of(None, 60, 3_600),
        vantage=world.one_of(None, *Vantage),
    )
    return ((chosen, association.configure_verification(state, world.by(), plan)),)


def verify(world: World) -> tuple[Change, ...]:
    run = world.new("run")
    due = [c for c in world.all("connector") if world.states[c].last_deployed_at and world.states[c].associated]
    world.append((run, (VerificationRunStarted(meta=world.by(), connectors=len(due), endpoints=len(due)),)))
    for chosen in due:
        for seen in world.states[chosen].validation:
            if world.one_of(True, True, True, False):
                world.append((chosen, _observed(world, run, chosen, seen.endpoint)))
    completed = VerificationRunCompleted(
        meta=world.by(), connectors=len(due), endpoints=len(due), counts={"matched": 1}, observations_sha256="0" * 64
    )
    return ((run, (completed,)),)


def _observed(world: World, run: UUID, connector_id: UUID, endpoint: str) -> tuple[Event, ...]:
    state = world.states[connector_id]
    expected = world.states[state.certificate_id].facts.fingerprint_sha256
    result = world.one_of(
        ValidationState.MATCHED,
        ValidationState.MATCHED,
        ValidationState.MATCHED,
        ValidationState.MISMATCH_UNKNOWN,
        ValidationState.UNREACHABLE,
        ValidationState.NAME_NOT_RESOLVED,
    )
    served = {ValidationState.MATCHED: expected, ValidationState.MISMATCH_UNKNOWN: "ee" * 32}.get(result)
    return verification.observe(
        state,
        world.by(Actor(ActorKind.AUTOMATION, "verification")),
        run_id=run,
        endpoint=endpoint,
        state=result,
        expected=expected,
        evidence=HandshakeEvidence(vantage="control-plane", served_fingerprint_sha256=served),
    )
