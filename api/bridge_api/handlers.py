"""The calls of the bridge protocol. Bodies and answers are those of bridge/protocol.py."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.bridge_api.assigning import wait_for_work
from api.bridge_api.identity import Peer
from api.bridge_api.renewing import disconnected, renew, the_one_holder
from api.problems import FieldError, Problem
from api.security import client_address, knocked, public
from api.services import Services
from application import deploying, discovering, enrolling, registering, trusting
from application.bridge_looks import VERIFICATION, take_observations
from application.endpoint_csr import refuse_csr, take_csr
from application.endpoint_keys import ENDPOINT_CSR
from application.house import Context, load
from bridge import protocol
from domain import ids
from domain.bridge import BRIDGE
from domain.connector_events import DeploymentReportStale, Step
from domain.deployment import Report
from domain.entity import Actor, ActorKind
from domain.push_states import FailureCause

_SECRET = {"Cache-Control": "no-store"}
_NOBODY = UUID(int=0)


def _answer(body: Any, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(msgspec.json.encode(body), status_code=200, media_type="application/json", headers=headers)


@post(protocol.ENROL_PATH, opt=public(), status_code=200)
async def enrol(
    request: Request[Any, Any, Any], services: NamedDependency[Services], data: JSONBody[protocol.EnrolRequest]
) -> Response[Any]:
    """Spend a one-time token: a client certificate for the bridge's own key.

    The same token with the same CSR again (its answer was lost) gets the same answer.
    """
    if not await _names_a_bridge(services, data.token):
        knocked(request, services)
        return _answer(await _enrolled(request, services, data))  # refused; nothing is written for it
    command_id = ids.derive("enrolment", enrolling.token_hash(data.token))
    csr_sha256 = hashlib.sha256(data.csr_pem.encode()).digest()
    known = await services.idempotency.claim(command_id, csr_sha256)
    if known is not None and known.answer is not None and known.body_sha256 == csr_sha256:
        return Response(known.answer.body, status_code=200, media_type="application/json", headers=_SECRET)
    try:
        answer = await _enrolled(request, services, data)
    except Exception:
        if known is None:
            await services.idempotency.abandon(command_id)
        raise
    content = msgspec.json.encode(answer)
    await services.idempotency.finish(command_id, 200, {}, content)
    return Response(content, status_code=200, media_type="application/json", headers=_SECRET)


async def _names_a_bridge(services: Services, token: str) -> bool:
    try:
        bridge_id = UUID(token.partition(".")[0])
    except ValueError:
        return False
    return (await load(services.house, BRIDGE, bridge_id)).state is not None


async def _enrolled(
    request: Request[Any, Any, Any], services: Services, data: protocol.EnrolRequest
) -> protocol.EnrolAnswer:
    context = Context(
        actor=Actor(ActorKind.BRIDGE, data.token.partition(".")[0][:36]),
        at=services.now(),
        command_id=uuid4(),
        client_address=client_address(request),
    )
    done = await enrolling.enrol_bridge(
        services.house,
        context,
        services.bridge_ca,
        token=data.token,
        csr_pem=data.csr_pem,
        hpke_public_key=_hpke_key(services, data.hpke_public_key),
        version=data.version,
        kinds=data.kinds,
    )
    services.acknowledged.note(done.position)
    enrolled = done.result
    return protocol.EnrolAnswer(
        bridge_id=enrolled.bridge.id,
        name=enrolled.bridge.found.name,
        certificate_pem=enrolled.signed.certificate_pem,
        ca_pem=services.bridge_ca.certificate_pem,
    )


def _hpke_key(services: Services, text: str) -> bytes:
    """The key, once something was sealed to it: keys of the right length may still be of no use (low order)."""
    try:
        key = base64.b64decode(text, validate=True)
        services.seal(
            protocol.SealedContent(), key, bridge_id=_NOBODY, assignment_id=_NOBODY, fence=1, fullchain_pem=None
        )
    except (binascii.Error, ValueError):
        detail = "hpke_public_key is the base64 of the 32 bytes of an X25519 public key."
        raise Problem("validation-failed", detail, errors=(FieldError("/hpke_public_key", detail),)) from None
    return key


@post(protocol.HEARTBEAT_PATH, opt=public(), status_code=200)
async def heartbeat(peer: NamedDependency[Peer], data: JSONBody[protocol.HeartbeatRequest]) -> Response[Any]:
    """A sign of life; what the bridge holds is extended."""
    house = peer.services.house
    await enrolling.bridge_seen(house, peer.context, peer.bridge, data.version)
    holding = [(held.assignment_id, held.fence) for held in data.holding]
    lost = await house.leases.extend(peer.bridge.id, holding, house.settings.lease_seconds)
    return _answer(protocol.HeartbeatAnswer(server_time=peer.services.now(), lost=tuple(lost)))


@post(protocol.LEASE_PATH, opt=public(), status_code=200)
async def lease(
    request: Request[Any, Any, Any], claimed_peer: NamedDependency[Peer], data: JSONBody[protocol.LeaseRequest]
) -> Response[Any]:
    """Work for the bridge, as soon as there is some."""
    peer = await the_one_holder(claimed_peer)
    await trusting.take_up_certificate(peer.services.house, peer.context, peer.bridge, peer.fingerprint_sha256)
    version = peer.bridge.found.version
    if version is not None:
        await enrolling.bridge_seen(peer.services.house, peer.context, peer.bridge, version)
    gone = asyncio.ensure_future(disconnected(request))
    try:
        found = await wait_for_work(peer, data.capacity, data.wait_seconds, gone)
    finally:
        gone.cancel()
    return _answer(protocol.LeaseAnswer(assignments=found), _SECRET)


@post(protocol.PROGRESS_PATH, opt=public(), status_code=200)
async def progress(peer: NamedDependency[Peer], data: JSONBody[protocol.ProgressRequest]) -> Response[Any]:
    """A step begins: a sign that the lease is alive."""
    house = peer.services.house
    await peer.own_lease(data.assignment_id)
    held = [(data.assignment_id, data.fence)]
    lost = await house.leases.extend(peer.bridge.id, held, house.settings.lease_seconds)
    return _answer(protocol.ReportAnswer(accepted=not lost, stale=bool(lost)))


@post(protocol.RESULT_PATH, opt=public(), status_code=200)
async def result(peer: NamedDependency[Peer], data: JSONBody[protocol.ResultRequest]) -> Response[Any]:
    """The end of a deployment, of a connection test, or of the making of a key. The first one counts."""
    house = peer.services.house
    held = await peer.own_lease(data.assignment_id)
    if held.kind == registering.TEST:
        return _answer(await _test_result(peer, data, current=held.fence == data.fence))
    if held.kind == ENDPOINT_CSR:
        return _answer(await _csr_result(peer, data, current=held.fence == data.fence))
    if held.kind == VERIFICATION:  # of a bridge that does not know how to look
        return _answer(await _looked(peer, data.assignment_id, (), current=held.fence == data.fence))
    if held.kind != deploying.DEPLOYMENT:
        raise Problem("invalid-transition", "A discovery is answered at the discovery address.")
    done = await deploying.take_report(house, peer.context, _report(peer, data))
    peer.services.acknowledged.note(done.position)
    events = done.result.connector
    stale = any(isinstance(event, DeploymentReportStale) for event in events)
    return _answer(protocol.ReportAnswer(accepted=bool(events) and not stale, stale=stale))


def _report(peer: Peer, data: protocol.ResultRequest) -> Report:
    return Report(
        deployment_id=data.assignment_id,
        bridge_id=peer.bridge.id,
        fence=data.fence,
        succeeded=data.outcome is protocol.Outcome.SUCCESS,
        message=data.message,
        cause=FailureCause(data.cause.value) if data.cause is not None else FailureCause.UNKNOWN,
        written=data.written,
        already_in_place=data.already_in_place,
        read_back_fingerprint_sha256=data.read_back_fingerprint_sha256,
        steps=tuple(Step(step.name, step.outcome.value, step.message, step.milliseconds) for step in data.steps),
    )


async def _test_result(peer: Peer, data: protocol.ResultRequest, *, current: bool) -> protocol.ReportAnswer:
    house = peer.services.house
    if not current:
        return protocol.ReportAnswer(accepted=False, stale=True)
    healthy = data.outcome is protocol.Outcome.SUCCESS
    done = await registering.take_test(house, peer.context, data.assignment_id, healthy=healthy, message=data.message)
    peer.services.acknowledged.note(done.position)
    await house.leases.release(data.assignment_id, data.fence)
    return protocol.ReportAnswer(accepted=not done.repeated, stale=False)


async def _csr_result(peer: Peer, data: protocol.ResultRequest, *, current: bool) -> protocol.ReportAnswer:
    house, services = peer.services.house, peer.services
    if not current:
        return protocol.ReportAnswer(accepted=False, stale=True)
    if data.outcome is protocol.Outcome.SUCCESS and data.csr_pem is not None:
        done = await take_csr(house, peer.context, services.read_request, data.assignment_id, data.csr_pem)
    else:
        said = f"The target system made no key: {data.message}"
        done = await refuse_csr(house, peer.context, data.assignment_id, said)
    services.acknowledged.note(done.position)
    await house.leases.release(data.assignment_id, data.fence)
    return protocol.ReportAnswer(accepted=True, stale=False)


@post(protocol.DISCOVERY_PATH, opt=public(), status_code=200)
async def discovery(peer: NamedDependency[Peer], data: JSONBody[protocol.DiscoveryRequest]) -> Response[Any]:
    """What a target holds. The first answer counts."""
    house = peer.services.house
    held = await peer.own_lease(data.assignment_id)
    if held.kind != discovering.DISCOVER:
        raise Problem("invalid-transition", "This assignment is no discovery.")
    if held.fence != data.fence:
        return _answer(protocol.ReportAnswer(accepted=False, stale=True))
    found = [discovering.Found(item.place, item.profile, item.certificate_pem) for item in data.found]
    await discovering.take_discovery(
        house,
        peer.context,
        peer.services.reader,
        data.assignment_id,
        healthy=data.healthy,
        message=data.message,
        found=found,
    )
    peer.services.acknowledged.note(await house.log.head())  # what it made of the connectors, too
    await house.leases.release(data.assignment_id, data.fence)
    return _answer(protocol.ReportAnswer(accepted=True, stale=False))


@post(protocol.VERIFICATION_PATH, opt=public(), status_code=200)
async def verification(peer: NamedDependency[Peer], data: JSONBody[protocol.VerificationRequest]) -> Response[Any]:
    """What endpoints serve, as the bridge saw it. The first answer counts; it is judged by whoever asked."""
    held = await peer.own_lease(data.assignment_id)
    if held.kind != VERIFICATION:
        raise Problem("invalid-transition", "This assignment is no verification.")
    return _answer(await _looked(peer, data.assignment_id, data.observations, current=held.fence == data.fence))


async def _looked(
    peer: Peer, assignment_id: UUID, observations: Sequence[protocol.Observation], *, current: bool
) -> protocol.ReportAnswer:
    house = peer.services.house
    held = await peer.own_lease(assignment_id)
    if not current:
        return protocol.ReportAnswer(accepted=False, stale=True)
    taken = await take_observations(house, peer.context, peer.bridge, assignment_id, observations)
    await house.leases.release(assignment_id, held.fence)
    return protocol.ReportAnswer(accepted=taken, stale=False)


HANDLERS = [enrol, renew, heartbeat, lease, progress, result, discovery, verification]
