"""Bridges and discoveries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api.answers import missing, single
from api.asking import SECRET_ANSWER, Command, Reading, location_of
from api.body import named_in_body
from api.controllers.certificate_filter import Text
from api.last_seen import LastSeen
from api.paging import Cursor, Limit, listed, pages
from api.presenters.estate import bridge, discovery, issued_bridge
from api.presenters.known import Known
from api.problems import FieldError, Problem
from api.schemas.estate import (
    AddBridgeBody,
    ApproveBridgeBody,
    BridgeBody,
    BridgePage,
    DiscoverBody,
    DiscoveryBody,
    DiscoveryPage,
    IssuedBridge,
)
from api.schemas.work_orders import CommentBody
from api.security import any_role, requires
from application.discovering import start_discovery
from application.enrolling import issue_enrolment, retire_bridge
from application.house import Done, Loaded
from application.reenrolling import issue_enrolment_again
from application.scanning import start_network_discovery
from application.trusting import approve_bridge, quarantine_bridge
from domain.bridge import Bridge, BridgeStatus
from domain.discovery import Discovery
from domain.network_scope import DEFAULT_PORTS, NetworkScope
from domain.roles import Permission
from projections.bridges.view import BridgeFilter, BridgeRow
from projections.discoveries.view import DiscoveryFilter, DiscoveryRow

ANY_CERTIFICATE = ApproveBridgeBody()
NO_COMMENT = CommentBody()


def bridge_filter(status: FromQuery[list[BridgeStatus] | None] = None, q: Text = None) -> BridgeFilter:
    """What a list of bridges is narrowed to."""
    return BridgeFilter(status=tuple(status or ()), q=q or None)


def discovery_filter(
    target_system_id: FromQuery[list[UUID] | None] = None,
    completed: FromQuery[bool | None] = None,
    healthy: FromQuery[bool | None] = None,
) -> DiscoveryFilter:
    """What a list of discoveries is narrowed to."""
    return DiscoveryFilter(target_system_id=tuple(target_system_id or ()), completed=completed, healthy=healthy)


@get("/bridges", opt=any_role(), dependencies={"narrow": Provide(bridge_filter, sync_to_thread=False)})
async def list_bridges(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[BridgeFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[BridgePage]:
    """Bridges by name."""
    ask = pages(reading.views.bridges.list, narrow)

    def item(row: BridgeRow) -> BridgeBody:
        return bridge(Known.of(row), _seen(request, reading, row.id))

    return await listed(request, ask, item, BridgeBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/bridges", opt=requires(Permission.BRIDGES) | SECRET_ANSWER)
async def add_bridge(data: JSONBody[AddBridgeBody], command: NamedDependency[Command]) -> Response[IssuedBridge]:
    """A new bridge. The answer holds its enrolment token: valid for an hour, for one enrolment, shown once."""
    done = await issue_enrolment(command.house, command.context, data.name)
    found = done.result.bridge
    return await command.answer(
        done,
        issued_bridge(done.result, command.services.bridge_ca.pin),
        status=201,
        version=found.version,
        location=location_of("bridges", found.id),
        secret=True,
    )


@post("/bridges/{bridge_id:uuid}/enrolment-tokens", opt=requires(Permission.BRIDGES) | SECRET_ANSWER, status_code=201)
async def issue_another_token(bridge_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[IssuedBridge]:
    """Another enrolment token: its host was set up anew, its certificate ran out, or it was quarantined."""
    done = await issue_enrolment_again(command.house, command.context, bridge_id)
    found = done.result.bridge
    shown = issued_bridge(done.result, command.services.bridge_ca.pin)
    return await command.answer(done, shown, status=201, version=found.version, secret=True)


@post("/bridges/{bridge_id:uuid}/approve", opt=requires(Permission.APPROVE_BRIDGES), status_code=200)
async def approve_a_bridge(
    bridge_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[ApproveBridgeBody] = ANY_CERTIFICATE
) -> Response[BridgeBody]:
    """Let in a bridge that has enrolled: somebody else than who issued its token (four eyes)."""
    meant = data.certificate_fingerprint_sha256
    done = await approve_bridge(command.house, command.context, bridge_id, fingerprint_sha256=meant)
    return await _answer(command, done)


@post("/bridges/{bridge_id:uuid}/quarantine", opt=requires(Permission.BRIDGES), status_code=200)
async def quarantine_a_bridge(
    bridge_id: FromPath[UUID], command: NamedDependency[Command], data: JSONBody[CommentBody] = NO_COMMENT
) -> Response[BridgeBody]:
    """Trust it no longer, until it is enrolled anew; its next request is refused, and its leases end."""
    return await _answer(command, await quarantine_bridge(command.house, command.context, bridge_id, data.comment))


async def _answer(command: Command, done: Done[Loaded[Bridge]]) -> Response[BridgeBody]:
    return await command.answer(done, bridge(Known.of(done.result), None), version=done.result.version)


@get("/bridges/{bridge_id:uuid}", opt=any_role())
async def get_bridge(
    request: Request[Any, Any, Any], bridge_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[BridgeBody]:
    """One bridge."""
    found = await reading.views.bridges.get(bridge_id)
    if found is None:
        raise missing("bridge", bridge_id)
    return single(bridge(Known.of(found), _seen(request, reading, bridge_id)), found.version)


def _seen(request: Request[Any, Any, Any], reading: Reading, bridge_id: UUID) -> datetime | None:
    """When a bridge was last seen, which is no history."""
    seen: LastSeen = request.app.state.last_seen
    return seen.of(bridge_id) if reading.moment is None else None


@delete("/bridges/{bridge_id:uuid}", opt=requires(Permission.BRIDGES))
async def retire_a_bridge(bridge_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """No longer in use; its next request is refused, and its leases end."""
    done = await retire_bridge(command.house, command.context, bridge_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@get("/discoveries", opt=any_role(), dependencies={"narrow": Provide(discovery_filter, sync_to_thread=False)})
async def list_discoveries(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[DiscoveryFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[DiscoveryPage]:
    """Discoveries, newest first."""
    ask = pages(reading.views.discoveries.list, narrow)

    def item(row: DiscoveryRow) -> DiscoveryBody:
        return discovery(Known.of(row))

    return await listed(request, ask, item, DiscoveryBody.__struct_fields__, limit=limit, cursor=cursor)


@post("/discoveries", opt=requires(Permission.DISCOVER, narrows=True), status_code=202)
async def start_a_discovery(data: JSONBody[DiscoverBody], command: NamedDependency[Command]) -> Response[DiscoveryBody]:
    """Ask the bridge of a target system what the target really holds, or look at what a part of the network serves."""
    found = (done := await _discover(data, command)).result
    return await command.answer(
        done,
        discovery(Known.of(found)),
        status=202,
        version=found.version,
        location=location_of("discoveries", found.id),
    )


async def _discover(data: DiscoverBody, command: Command) -> Done[Loaded[Discovery]]:
    if data.ranges is not None and data.target_system_id is None:
        scope = NetworkScope(ranges=data.ranges, ports=data.ports or DEFAULT_PORTS, bridge_id=data.bridge_id)
        return await start_network_discovery(command.house, command.context, scope)
    if data.target_system_id is None or any(each is not None for each in (data.ranges, data.ports, data.bridge_id)):
        detail = "Give a target_system_id alone, or ranges, with ports and bridge_id where you want."
        raise Problem("validation-failed", detail, errors=(FieldError("/target_system_id", detail),))
    with named_in_body(data.target_system_id, "/target_system_id"):
        return await start_discovery(command.house, command.context, data.target_system_id)


@get("/discoveries/{discovery_id:uuid}", opt=any_role())
async def get_discovery(discovery_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[DiscoveryBody]:
    """One discovery."""
    found = await reading.views.discoveries.get(discovery_id)
    if found is None:
        raise missing("discovery", discovery_id)
    return single(discovery(Known.of(found)), found.version)


HANDLERS = [
    list_bridges,
    add_bridge,
    issue_another_token,
    approve_a_bridge,
    quarantine_a_bridge,
    get_bridge,
    retire_a_bridge,
    list_discoveries,
    start_a_discovery,
    get_discovery,
]
