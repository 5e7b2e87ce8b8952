"""Kinds of target system, and target systems."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody

from api import json_schema
from api.answers import missing, single
from api.asking import Command, Reading, location_of
from api.body import given, invalid
from api.controllers.certificate_filter import Text, Texts
from api.paging import CSV, JSON, NDJSON, Cursor, Limit, export, negotiate, page
from api.presenters.estate import kind, target
from api.presenters.known import Known
from api.problems import Problem
from api.schemas.common import NothingBody
from api.schemas.estate import (
    ChangeTargetBody,
    ErrandAnswer,
    RegisterTargetBody,
    TargetKindList,
    TargetSystemBody,
    TargetSystemPage,
)
from api.security import any_role, requires
from application.house import load
from application.registering import DescribeTarget, change_target, register_target, request_test, retire_target
from bridge.protocol import KINDS
from domain.roles import Permission
from domain.target_system import TARGET_SYSTEM, TargetSystem
from projections.target_systems.view import TargetSystemFilter, TargetSystemRow

NOTHING = NothingBody()


def target_system_filter(
    bridge_id: FromQuery[list[UUID] | None] = None,
    kind: Texts = None,
    tag: Texts = None,
    cloud: FromQuery[bool | None] = None,
    retired: FromQuery[bool | None] = None,
    q: Text = None,
) -> TargetSystemFilter:
    """What a list of target systems is narrowed to."""
    return TargetSystemFilter(
        bridge_id=tuple(bridge_id or ()),
        kind=tuple(kind or ()),
        tag=tuple(tag or ()),
        cloud=cloud,
        retired=retired,
        q=q or None,
    )


@get("/target-kinds", opt=any_role())
async def list_target_kinds(reading: NamedDependency[Reading]) -> Response[TargetKindList]:  # noqa: ARG001 - checks the parameters
    """The kinds of target system that bridges can serve."""
    return single(TargetKindList(items=tuple(kind(found) for found in KINDS.values()), next_cursor=None))


@get("/target-systems", opt=any_role(), dependencies={"narrow": Provide(target_system_filter, sync_to_thread=False)})
async def list_target_systems(
    request: Request[Any, Any, Any],
    reading: NamedDependency[Reading],
    narrow: NamedDependency[TargetSystemFilter],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[TargetSystemPage]:
    """Target systems by name."""

    def item(row: TargetSystemRow) -> TargetSystemBody:
        return target(Known.of(row))

    systems = reading.views.target_systems
    if (wanted := negotiate(request, JSON, NDJSON, CSV)) != JSON:
        return await export(wanted, systems.stream(narrow), item, TargetSystemBody.__struct_fields__)
    found = await systems.list(narrow, limit=limit, cursor=cursor)
    return page(request, [item(row) for row in found.items], found.next_cursor)


@post("/target-systems", opt=requires(Permission.TARGET_SYSTEMS))
async def register_target_system(
    data: JSONBody[RegisterTargetBody], command: NamedDependency[Command]
) -> Response[TargetSystemBody]:
    """A new target system behind a bridge."""
    wish = DescribeTarget(
        name=data.name,
        kind=data.kind,
        bridge_id=data.bridge_id,
        settings=data.settings,
        endpoints=data.endpoints,
        cloud=data.cloud,
        tags=data.tags,
        secrets=data.secrets,
    )
    done = await register_target(command.house, command.context, _checked(wish))
    found = done.result
    return await command.answer(
        done,
        target(Known.of(found)),
        status=201,
        version=found.version,
        location=location_of("target-systems", found.id),
    )


@get("/target-systems/{target_system_id:uuid}", opt=any_role())
async def get_target_system(
    target_system_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[TargetSystemBody]:
    """One target system. Secrets are never shown, only which are set."""
    found = await reading.views.target_systems.get(target_system_id)
    if found is None:
        raise missing("target system", target_system_id)
    return single(target(Known.of(found)), found.version)


@patch("/target-systems/{target_system_id:uuid}", opt=requires(Permission.TARGET_SYSTEMS, narrows=True))
async def change_target_system(
    target_system_id: FromPath[UUID], data: JSONBody[ChangeTargetBody], command: NamedDependency[Command]
) -> Response[TargetSystemBody]:
    """Change a target system. What a push depends on (all but name and tags) makes given approvals void."""
    known = (await load(command.house, TARGET_SYSTEM, target_system_id)).found
    wish = _checked(_changed(known, data))
    done = await change_target(command.house, command.context, target_system_id, wish)
    return await command.answer(done, target(Known.of(done.result)), version=done.result.version)


@delete("/target-systems/{target_system_id:uuid}", opt=requires(Permission.TARGET_SYSTEMS, narrows=True))
async def retire_target_system(target_system_id: FromPath[UUID], command: NamedDependency[Command]) -> Response[None]:
    """No longer in use: nothing is pushed to it any more. Its history stays."""
    done = await retire_target(command.house, command.context, target_system_id)
    return await command.answer(done, None, status=204, version=done.result.version)


@post(
    "/target-systems/{target_system_id:uuid}/test",
    opt=requires(Permission.TARGET_SYSTEMS, narrows=True),
    status_code=202,
)
async def test_target_system(
    target_system_id: FromPath[UUID],
    command: NamedDependency[Command],
    data: JSONBody[NothingBody] = NOTHING,  # noqa: ARG001, PT028 - refuses what somebody sent in vain; no test
) -> Response[ErrandAnswer]:
    """Test Connection: the bridge looks whether an installation could work. The result appears as `last_test`."""
    done = await request_test(command.house, command.context, target_system_id)
    body = ErrandAnswer(id=done.result, target_system_id=target_system_id)
    return await command.answer(done, body, status=202, location=location_of("target-systems", target_system_id))


def _changed(known: TargetSystem, data: ChangeTargetBody) -> DescribeTarget:
    described = DescribeTarget(
        name=known.name,
        kind=known.settings.kind,
        bridge_id=known.bridge_id,
        settings=known.settings.settings,
        endpoints=known.settings.endpoints,
        cloud=known.settings.cloud,
        tags=known.tags,
    )
    sent = given(data)
    return msgspec.structs.replace(described, **sent)


def _checked(wish: DescribeTarget) -> DescribeTarget:
    """Settings and secrets as the kind's schemas say; a cloud kind makes cloud targets."""
    found = KINDS.get(wish.kind)
    if found is None:
        raise invalid("/kind", f"There is no kind {wish.kind}; there are {', '.join(KINDS)}.")
    wrong = json_schema.errors(wish.settings, found.settings_schema, "/settings")
    if wish.secrets is not None:
        wrong += json_schema.errors(wish.secrets, found.secrets_schema, "/secrets")
    if wrong:
        detail = "; ".join(f"{error.pointer}: {error.detail}" for error in wrong)
        raise Problem("validation-failed", detail, errors=tuple(wrong))
    return msgspec.structs.replace(wish, cloud=wish.cloud or found.cloud)


HANDLERS = [
    list_target_kinds,
    list_target_systems,
    register_target_system,
    get_target_system,
    change_target_system,
    retire_target_system,
    test_target_system,
]
