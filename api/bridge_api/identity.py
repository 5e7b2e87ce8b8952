"""Which bridge speaks: the client certificate that the connection's TLS verified, and nothing a request says."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request
from litestar.di import NamedDependency

from api.problems import Problem
from api.security import client_address, knocked
from api.services import Services
from application.deploying import own_lease
from application.enrolling import identify_bridge
from application.house import Context, Loaded
from application.ports import Lease
from domain.bridge import Bridge
from domain.bridge_trust import Standing
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused
from domain.subjects import ANONYMOUS

PEER_CERTIFICATE = "certferry.peer_certificate"
"""Key in `scope["extensions"]` under which the listener leaves the verified certificate (DER)."""


class Peer(msgspec.Struct, frozen=True):
    """A trusted bridge, and the context of what it says."""

    services: Services
    bridge: Loaded[Bridge]
    context: Context
    request: Request[Any, Any, Any]
    fingerprint_sha256: str
    outdated: bool = False

    async def own_lease(self, assignment_id: UUID) -> Lease:
        """The lease of an assignment that is, or was, this bridge's. Raises Refused(forbidden), which is counted."""
        try:
            return await own_lease(self.services.house, assignment_id, self.bridge.id)
        except Refused:
            knocked(self.request, self.services, self.context.actor, "forbidden")
            raise


def peer_certificate(request: Request[Any, Any, Any]) -> bytes | None:
    """The certificate the connection proved, if any. No header has a say in it."""
    scope: Mapping[str, Any] = request.scope
    found = (scope.get("extensions") or {}).get(PEER_CERTIFICATE)
    return found if isinstance(found, bytes) else None


async def peer(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Peer:
    """The bridge that speaks. 401 without a certificate, 403 for one that is not, or no longer, trusted."""
    found = await claimed_peer(request, services)
    if found.outdated:
        knocked(request, services, found.context.actor, "forbidden")
        raise Refused(Code.FORBIDDEN, "This certificate was renewed; use the one that followed it.")
    return found


async def claimed_peer(request: Request[Any, Any, Any], services: NamedDependency[Services]) -> Peer:
    """`peer`, but for one who shows an older certificate of the bridge than the one in use: `outdated`."""
    der = peer_certificate(request)
    if der is None:
        knocked(request, services)
        raise Problem("unauthenticated", "A bridge shows its client certificate; enrol first.")
    actor = ANONYMOUS
    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        bridge_id = services.bridge_ca.identify(der)
        actor = Actor(ActorKind.BRIDGE, str(bridge_id))
        bridge, worth = await identify_bridge(services.house, bridge_id, fingerprint)
    except Refused:
        knocked(request, services, actor, "forbidden")
        raise
    context = Context(
        actor=actor,
        at=services.now(),
        command_id=uuid4(),
        client_address=client_address(request),
        credential="bridge certificate",
    )
    return Peer(services, bridge, context, request, fingerprint, outdated=worth is Standing.OUTDATED)
