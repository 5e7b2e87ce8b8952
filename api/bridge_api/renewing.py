"""Renewal of a bridge's certificate, and the second holder of one identity."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.bridge_api.identity import Peer
from api.security import knocked, public
from application import trusting
from bridge import protocol
from domain.bridge_trust import CLONED
from domain.entity import Actor, ActorKind
from domain.errors import Code, Refused

_DETECTION = Actor(ActorKind.SYSTEM, "clone-detection")
_LISTENS_SECONDS = 0.25


@post(protocol.RENEW_PATH, opt=public(), status_code=200)
async def renew(claimed_peer: NamedDependency[Peer], data: JSONBody[protocol.RenewRequest]) -> Response[Any]:
    """The next client certificate of a bridge, for a new key."""
    services = claimed_peer.services
    done = await trusting.renew_bridge(
        services.house,
        claimed_peer.context,
        services.bridge_ca,
        claimed_peer.bridge.id,
        claimed_peer.fingerprint_sha256,
        data.csr_pem,
    )
    services.acknowledged.note(done.position)
    answer = protocol.RenewAnswer(
        certificate_pem=done.result.signed.certificate_pem,
        ca_pem=services.bridge_ca.certificate_pem,
        generation=done.result.bridge.found.generation,
    )
    return Response(msgspec.json.encode(answer), status_code=200, media_type="application/json")


async def the_one_holder(peer: Peer) -> Peer:
    """The peer itself. Whoever waits for work with an outdated certificate is a second holder: quarantine, and 403."""
    if not peer.outdated:
        return peer
    # A request that was overtaken by the bridge's own renewal was given up long before: nobody listens to its answer.
    listening = asyncio.ensure_future(disconnected(peer.request))
    gone, _ = await asyncio.wait({listening}, timeout=_LISTENS_SECONDS)
    listening.cancel()
    if not gone:
        context = msgspec.structs.replace(peer.context, actor=_DETECTION)
        await trusting.quarantine_clone(peer.services.house, context, peer.bridge.id, peer.fingerprint_sha256)
    knocked(peer.request, peer.services, peer.context.actor, "forbidden")
    raise Refused(Code.FORBIDDEN, CLONED)


async def disconnected(request: Request[Any, Any, Any]) -> None:
    """Return when the bridge has closed the connection; its body is read already."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
