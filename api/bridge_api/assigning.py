"""Assignments: what a bridge has to do, with its secrets sealed to it."""

import asyncio
from datetime import timedelta
from uuid import UUID

from api.bridge_api.identity import Peer
from application import deploying, errands
from application.deploying import LeasedDeployment
from application.errands import LeasedErrand
from bridge.protocol import Assignment, AssignmentKind, CertificateToInstall, RequestToMake, SealedContent, Target

POLL_SECONDS = 1.0
"""How often a waiting bridge's work is looked for even when nothing seems to have happened."""
_BREATH = 0.02


async def wait_for_work(
    peer: Peer, capacity: int, wait_seconds: float, gone: asyncio.Future[None]
) -> tuple[Assignment, ...]:
    """Up to `capacity` assignments, as soon as there are some; none after `wait_seconds`.

    Nothing is leased any more once the bridge is `gone`: a lease nobody heard of would hold its target up.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_seconds
    positions = peer.services.positions
    while True:
        seen = positions.current
        found = await _lease(peer, capacity) if not gone.done() else ()
        remaining = until - loop.time()
        if found or remaining <= 0 or gone.done():
            return found
        await asyncio.sleep(min(_BREATH, remaining))
        await positions.wait(seen + 1, min(POLL_SECONDS, remaining))


async def _lease(peer: Peer, capacity: int) -> tuple[Assignment, ...]:
    house, bridge_id = peer.services.house, peer.bridge.id
    deployments = await deploying.lease(house, peer.context, bridge_id, capacity)
    found = [_deployment(peer, leased) for leased in deployments]
    if len(found) < capacity:
        errand = await errands.lease_errands(house, bridge_id, capacity - len(found))
        found += [_errand(peer, leased) for leased in errand]
    return tuple(found)


def _deployment(peer: Peer, leased: LeasedDeployment) -> Assignment:
    house = peer.services.house
    content = SealedContent(private_key_pem=leased.private_key_pem, secrets=leased.secrets)
    return Assignment(
        assignment_id=leased.deployment_id,
        kind=AssignmentKind.DEPLOYMENT,
        fence=leased.fence,
        lease_seconds=_lease_seconds(peer),
        deadline=peer.services.now() + timedelta(seconds=house.settings.dispatch_deadline),
        target=Target(id=leased.target_system_id, kind=leased.kind, name=leased.target_name, settings=leased.settings),
        connector_id=leased.connector_id,
        profile=leased.profile,
        certificate=CertificateToInstall(
            fingerprint_sha256=leased.fingerprint_sha256, fullchain_pem=leased.fullchain_pem
        ),
        sealed=_seal(peer, content, leased.deployment_id, leased.fence, leased.fullchain_pem),
    )


def _errand(peer: Peer, leased: LeasedErrand) -> Assignment:
    errand = leased.errand
    content = SealedContent(secrets=leased.secrets)
    return Assignment(
        assignment_id=errand.id,
        kind=AssignmentKind(errand.kind),
        fence=leased.fence,
        lease_seconds=_lease_seconds(peer),
        deadline=peer.services.now() + timedelta(seconds=peer.services.house.settings.errand_deadline),
        target=Target(id=errand.target_system_id, kind=leased.kind, name=leased.target_name, settings=leased.settings),
        sealed=_seal(peer, content, errand.id, leased.fence, None) if leased.secrets else None,
        request=None if leased.wanted is None else RequestToMake(**leased.wanted._asdict()),
    )


def _lease_seconds(peer: Peer) -> int:
    return max(1, int(peer.services.house.settings.lease_seconds))


def _seal(peer: Peer, content: SealedContent, assignment_id: UUID, fence: int, fullchain_pem: str | None) -> str:
    return peer.services.seal(
        content,
        peer.bridge.found.hpke_public_key,
        bridge_id=peer.bridge.id,
        assignment_id=assignment_id,
        fence=fence,
        fullchain_pem=fullchain_pem,
    )
