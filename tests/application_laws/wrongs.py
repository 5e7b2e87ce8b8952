"""What must be refused: a world is prepared, and the wrong command is given back, with its code and its subject."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from application.administering import create_principal, create_token, revoke_token
from application.alerting import acknowledge_alert, raise_alert
from application.associating import AddConnector, add_connector
from application.discovering import start_discovery
from application.enrolling import retire_bridge
from application.granting import change_role
from application.house import Context
from application.implementing import Dialog, approve_push, cancel_push, implement_push, retry_push
from application.importing import ImportCertificate, import_certificate
from application.pushing import RequestPush, request_push
from application.registering import change_target, register_target, request_test, retire_target
from domain import ids
from domain.alert import AlertKind
from domain.errors import Code
from domain.role_grant import Role
from tests.support.paper import certificate, upload
from tests.support.world import World, describe_target


class Wrong(NamedTuple):
    """Something that must be refused."""

    code: Code
    subject: UUID
    act: Callable[[Context], Awaitable[Any]]


CASES: dict[str, Callable[[World], Awaitable[Wrong]]] = {}


def case(made: Callable[[World], Awaitable[Wrong]]) -> Callable[[World], Awaitable[Wrong]]:
    CASES[made.__name__] = made
    return made


@case
async def approving_ones_own_push(world: World) -> Wrong:
    order = await world.push(await world.connector(), "me")
    return Wrong(Code.APPROVAL_NOT_ALLOWED, order.id, lambda c: approve_push(world.house, c, order.id, Dialog()))


@case
async def implementing_what_one_has_approved(world: World) -> Wrong:
    order = await world.push(await world.connector())
    await approve_push(world.house, world.by("me"), order.id, Dialog())
    return Wrong(Code.APPROVAL_NOT_ALLOWED, order.id, lambda c: implement_push(world.house, c, order.id, Dialog()))


@case
async def implementing_what_nobody_approved(world: World) -> Wrong:
    order = await world.push(await world.connector())
    return Wrong(Code.INVALID_TRANSITION, order.id, lambda c: implement_push(world.house, c, order.id, Dialog()))


@case
async def cancelling_somebody_elses_push(world: World) -> Wrong:
    order = await world.push(await world.connector())
    return Wrong(Code.FORBIDDEN, order.id, lambda c: cancel_push(world.house, c, order.id, None))


@case
async def deciding_on_an_old_version(world: World) -> Wrong:
    order = await world.push(await world.connector())

    async def act(context: Context) -> object:
        stale = msgspec.structs.replace(context, if_match=7)
        return await approve_push(world.house, stale, order.id, Dialog())

    return Wrong(Code.VERSION_CONFLICT, order.id, act)


@case
async def retrying_what_did_not_fail(world: World) -> Wrong:
    order = await world.push(await world.connector())
    return Wrong(Code.INVALID_TRANSITION, order.id, lambda c: retry_push(world.house, c, order.id, None))


@case
async def pushing_twice(world: World) -> Wrong:
    connector_id = await world.connector()
    await world.push(connector_id)
    wish = await _push_of(world, connector_id)
    return Wrong(Code.WORK_ORDER_OPEN, connector_id, lambda c: request_push(world.house, c, wish))


@case
async def pushing_without_a_key(world: World) -> Wrong:
    connector_id = await world.connector(await world.certificate(with_key=False))
    wish = await _push_of(world, connector_id)
    return Wrong(Code.PRIVATE_KEY_NOT_AVAILABLE, connector_id, lambda c: request_push(world.house, c, wish))


@case
async def pushing_to_nothing(world: World) -> Wrong:
    made = await world.certificate()
    return Wrong(Code.NO_CONNECTOR, made, lambda c: request_push(world.house, c, RequestPush(certificate_id=made)))


@case
async def pushing_another_certificates_connector(world: World) -> Wrong:
    connector_id, other = await world.connector(), await world.certificate()
    wish = RequestPush(certificate_id=other, connector_ids=(connector_id,))
    return Wrong(Code.NO_CONNECTOR, connector_id, lambda c: request_push(world.house, c, wish))


@case
async def associating_twice(world: World) -> Wrong:
    connector_id = await world.connector()
    state = await world.connector_state(connector_id)
    wish = AddConnector(certificate_id=state.certificate_id, target_system_id=state.target_system_id)
    return Wrong(Code.CONNECTOR_EXISTS, connector_id, lambda c: add_connector(world.house, c, wish))


@case
async def associating_with_a_foreign_id(world: World) -> Wrong:
    made, bridge_id = await world.certificate(), await world.bridge()
    wish = AddConnector(certificate_id=made, target_system_id=bridge_id)
    subject = ids.connector_id(made, bridge_id, None)
    return Wrong(Code.VALIDATION_FAILED, subject, lambda c: add_connector(world.house, c, wish))


@case
async def associating_with_a_wrong_endpoint(world: World) -> Wrong:
    made, target_id = await world.certificate(), await world.target(await world.bridge())
    wish = AddConnector(certificate_id=made, target_system_id=target_id, endpoints=("0x7f.1:443",))
    subject = ids.connector_id(made, target_id, None)
    return Wrong(Code.VALIDATION_FAILED, subject, lambda c: add_connector(world.house, c, wish))


@case
async def importing_twice(world: World) -> Wrong:
    made = await world.certificate(1)
    wish = upload(certificate(1))
    return Wrong(Code.ALREADY_EXISTS, made, lambda c: import_certificate(world.house, c, world.reader, wish))


@case
async def importing_with_another_key(world: World) -> Wrong:
    wish = ImportCertificate(certificate_pem=certificate(1).pem, private_key_pem=certificate(2).key_pem)
    subject = ids.derive("caller", "me")
    return Wrong(Code.VALIDATION_FAILED, subject, lambda c: import_certificate(world.house, c, world.reader, wish))


@case
async def registering_a_name_twice(world: World) -> Wrong:
    bridge_id = await world.bridge()
    await world.target(bridge_id, "Web-1")
    wish = describe_target(bridge_id, "web-1")
    context = world.by("me", key="refusal")
    subject = ids.derive("target-system", context.command_id)
    return Wrong(Code.ALREADY_EXISTS, subject, lambda c: register_target(world.house, c, wish))


@case
async def registering_behind_a_retired_bridge(world: World) -> Wrong:
    bridge_id = await world.bridge()
    await retire_bridge(world.house, world.by("olga"), bridge_id)
    context = world.by("me", key="refusal")
    subject = ids.derive("target-system", context.command_id)
    wish = describe_target(bridge_id, "web-1")
    return Wrong(Code.VALIDATION_FAILED, subject, lambda c: register_target(world.house, c, wish))


async def _retired(world: World) -> UUID:
    target_id = await world.target(await world.bridge())
    await retire_target(world.house, world.by("olga"), target_id)
    return target_id


@case
async def changing_a_retired_target(world: World) -> Wrong:
    target_id, bridge_id = await _retired(world), await world.bridge()
    wish = describe_target(bridge_id, "web-2", secrets={"password": "x"})
    return Wrong(Code.INVALID_TRANSITION, target_id, lambda c: change_target(world.house, c, target_id, wish))


@case
async def trying_a_retired_target(world: World) -> Wrong:
    target_id = await _retired(world)
    return Wrong(Code.INVALID_TRANSITION, target_id, lambda c: request_test(world.house, c, target_id))


@case
async def discovering_a_retired_target(world: World) -> Wrong:
    target_id = await _retired(world)
    return Wrong(Code.INVALID_TRANSITION, target_id, lambda c: start_discovery(world.house, c, target_id))


@case
async def acknowledging_on_an_old_version(world: World) -> Wrong:
    raised = await raise_alert(world.house, world.by("a"), AlertKind.EXPIRY, "c", "soon")

    async def act(context: Context) -> object:
        stale = msgspec.structs.replace(context, if_match=7)
        return await acknowledge_alert(world.house, stale, raised.result.id)

    return Wrong(Code.VERSION_CONFLICT, raised.result.id, act)


@case
async def granting_on_an_old_version(world: World) -> Wrong:
    made = await create_principal(world.house, world.by("a"), "rita")

    async def act(context: Context) -> object:
        stale = msgspec.structs.replace(context, if_match=7)
        return await change_role(world.house, stale, made.result.id, Role.APPROVER, held=True)

    return Wrong(Code.VERSION_CONFLICT, made.result.id, act)


@case
async def revoking_a_token_on_an_old_version(world: World) -> Wrong:
    owner = await create_principal(world.house, world.by("a"), "rita")
    made = await create_token(world.house, world.by("a"), owner.result.id, "ci")
    token_id = made.result.token.id

    async def act(context: Context) -> object:
        return await revoke_token(world.house, msgspec.structs.replace(context, if_match=7), token_id)

    return Wrong(Code.VERSION_CONFLICT, token_id, act)


async def _push_of(world: World, connector_id: UUID) -> RequestPush:
    certificate_id = (await world.connector_state(connector_id)).certificate_id
    return RequestPush(certificate_id=certificate_id, connector_ids=(connector_id,))
