"""Network discovery: which certificates do the endpoints of some ranges serve, seen from here or from a bridge?"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from application import pem
from application.discovering import DISCOVER, Found, take_discovery
from application.house import Attempt, Context, Done, House, Loaded, carry_out, load, reading_back, write
from application.ports import CertificateReader, Errand
from application.probe_ports import Observation, Prober
from domain import ids
from domain.bridge import BRIDGE
from domain.discovery import DISCOVERY, Discovery, DiscoveryStarted
from domain.errors import Code, Refused
from domain.network_scope import NetworkScope, addresses, check_scope, endpoints

NETWORK = "network"
"""The kind of target that a bridge is told to look at."""
_SECONDS = 3.0
_AT_ONCE = 1024
"""Endpoints that are held in memory; how many connections there are at once is the prober's to bound."""


async def start_network_discovery(house: House, context: Context, scope: NetworkScope) -> Done[Loaded[Discovery]]:
    """Have a part of the network looked at. Refused outside of what an administrator allows."""
    discovery_id = ids.derive("discovery", context.command_id)

    async def attempt() -> Attempt[Loaded[Discovery]]:
        run = await load(house, DISCOVERY, discovery_id)
        if run.state is not None:
            return Attempt((), run)
        context.check_reach()  # before anybody is sent to look: a network bears no tags
        check_scope(scope, house.settings.discovery_allow)
        if scope.bridge_id is not None:
            await _queue(house, context, discovery_id, scope.bridge_id)
        event = DiscoveryStarted(meta=context.meta, network=scope)
        return Attempt((write(run, (event,)),), run.after((event,)))

    again = reading_back(house, DISCOVERY, discovery_id)
    return await carry_out(house, context, attempt, subject_id=discovery_id, action="discovery.start", again=again)


async def _queue(house: House, context: Context, discovery_id: UUID, bridge_id: UUID) -> None:
    bridge = (await load(house, BRIDGE, bridge_id)).named_by("/bridge_id")
    if not bridge.trusted:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{bridge.name} is {bridge.status.value}: it is given no work.",
            current_status=bridge.status.value,
            allowed=[],
        )
    deadline = context.at + timedelta(seconds=house.settings.errand_deadline)
    # A bridge looks at one network at a time: in the place of a target system stands the bridge itself.
    await house.errands.add(Errand(discovery_id, DISCOVER, bridge_id, bridge_id, deadline))


def network_settings(scope: NetworkScope) -> dict[str, Any]:
    """What a bridge is told of a network (`bridge.protocol.NetworkSettings`)."""
    return {"addresses": [str(address) for address in addresses(scope)], "ports": list(dict.fromkeys(scope.ports))}


async def carry_out_scan(
    house: House, context: Context, prober: Prober, reader: CertificateReader, discovery_id: UUID
) -> None:
    """Look at a network from here. Doing it again after a crash ends in the same; the first end counts."""
    run = (await load(house, DISCOVERY, discovery_id)).found
    scope = run.network
    if scope is None or scope.bridge_id is not None or run.completed:
        return
    found: list[Found] = []
    wanted, looked_at = endpoints(scope), 0
    while some := list(islice(wanted, _AT_ONCE)):
        seen = await prober.probe_all([(endpoint, None) for endpoint in some], _SECONDS)
        found += _found(zip(some, seen, strict=True))
        looked_at += len(some)
    message = f"{len(found)} certificates found at {looked_at} endpoints."
    await take_discovery(house, context, reader, discovery_id, healthy=True, message=message, found=found)


def _found(seen: Iterator[tuple[str, Observation]]) -> Iterator[Found]:
    for endpoint, observation in seen:
        if observation.leaf_der is not None:
            yield Found(endpoint, None, pem.encode("CERTIFICATE", observation.leaf_der))
