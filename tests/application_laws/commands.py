"""Every command that a client, or a reaction, may repeat: a world is prepared, and the command is given back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec

from application import registers
from application.administering import create_principal, create_token, revoke_token
from application.alerting import acknowledge_alert, raise_alert, resolve_alert
from application.associating import AddConnector, add_connector, remove_connector
from application.disabling import disable_principal, enable_principal
from application.discovering import start_discovery
from application.enrolling import issue_enrolment, retire_bridge
from application.granting import change_role, set_roles
from application.house import Context, Done
from application.implementing import (
    Dialog,
    approve_push,
    cancel_push,
    implement_push,
    reject_push,
    reschedule_push,
    retry_push,
)
from application.importing import describe_certificate, import_certificate
from application.ordering import submit_order
from application.pushing import RequestPush, request_push
from application.reenrolling import issue_enrolment_again
from application.registering import change_target, record_test, register_target, request_test, retire_target
from application.verifying import start_run
from domain.alert import AlertKind
from domain.certificate_order import OrderParameters, Provider
from domain.issuance_policy import KIND, IssuancePolicy
from domain.issuance_rules import IssuanceRule
from domain.role_grant import Role
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field
from tests.support.office import Office, local_pki
from tests.support.paper import certificate, upload
from tests.support.world import World, describe_target

Command = Callable[[Context], Awaitable[Done[Any]]]
CASES: dict[str, Callable[[World], Awaitable[Command]]] = {}
ONCE: dict[str, Callable[[World], Awaitable[Command]]] = {}  # their answer carries a secret, which is shown once
Case = Callable[[World], Awaitable[Command]]
POLICY = IssuancePolicy(name="Servers", rules=(IssuanceRule(name="short", maximum_validity_days=90),))


def stricter(known: IssuancePolicy) -> IssuancePolicy:
    return msgspec.structs.replace(known, rules=(IssuanceRule(name="short", maximum_validity_days=30),))


def case(made: Case) -> Case:
    CASES[made.__name__] = made
    return made


def once(made: Case) -> Case:
    ONCE[made.__name__] = made
    return made


@case
async def import_one(world: World) -> Command:
    return lambda context: import_certificate(world.house, context, world.reader, upload(certificate(1)))


@case
async def describe_one(world: World) -> Command:
    made = await world.certificate()
    return lambda context: describe_certificate(world.house, context, made, owner="team", tags=("web",))


@case
async def associate(world: World) -> Command:
    wish = AddConnector(
        certificate_id=await world.certificate(), target_system_id=await world.target(await world.bridge())
    )
    return lambda context: add_connector(world.house, context, wish)


@case
async def dissociate(world: World) -> Command:
    connector_id = await world.connector()
    await world.push(connector_id)
    return lambda context: remove_connector(world.house, context, connector_id)


@case
async def register(world: World) -> Command:
    wish = describe_target(await world.bridge(), "web-1", secrets={"password": "canary"})
    return lambda context: register_target(world.house, context, wish)


@case
async def change(world: World) -> Command:
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id)
    wish = describe_target(bridge_id, "web-2", secrets={"password": "canary"}, root="/srv")
    return lambda context: change_target(world.house, context, target_id, wish)


@case
async def retire(world: World) -> Command:
    target_id = await world.target(await world.bridge())
    return lambda context: retire_target(world.house, context, target_id)


@case
async def ask_for_a_test(world: World) -> Command:
    target_id = await world.target(await world.bridge())
    return lambda context: request_test(world.house, context, target_id)


@case
async def take_a_test(world: World) -> Command:
    target_id = await world.target(await world.bridge())
    return lambda context: record_test(world.house, context, target_id, healthy=True, message="well")


@case
async def discover(world: World) -> Command:
    target_id = await world.target(await world.bridge())
    return lambda context: start_discovery(world.house, context, target_id)


@case
async def verify(world: World) -> Command:
    return lambda context: start_run(world.house, context, None, trigger="user")


@case
async def end_a_bridge(world: World) -> Command:
    bridge_id = await world.bridge()
    return lambda context: retire_bridge(world.house, context, bridge_id)


@case
async def push(world: World) -> Command:
    connector_id = await world.connector()
    wish = RequestPush(
        certificate_id=(await world.connector_state(connector_id)).certificate_id, connector_ids=(connector_id,)
    )
    return lambda context: request_push(world.house, context, wish)


@case
async def deploy_to_all(world: World) -> Command:
    certificate_id, bridge_id = await world.certificate(), await world.bridge()
    for n in range(5):
        await world.connector(certificate_id, await world.target(bridge_id, f"web-{n}"))
    return lambda context: request_push(world.house, context, RequestPush(certificate_id=certificate_id))


@case
async def approve(world: World) -> Command:
    order = await world.push(await world.connector())
    return lambda context: approve_push(world.house, context, order.id, Dialog(comment="yes"))


@case
async def implement(world: World) -> Command:
    order = await world.push(await world.connector())
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    return lambda context: implement_push(world.house, context, order.id, Dialog())


@case
async def reject(world: World) -> Command:
    order = await world.push(await world.connector())
    return lambda context: reject_push(world.house, context, order.id, "no")


@case
async def cancel(world: World) -> Command:
    order = await world.push(await world.connector(), "me")
    return lambda context: cancel_push(world.house, context, order.id, None)


@case
async def reschedule(world: World) -> Command:
    order = await world.push(await world.connector())
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    at = world.clock() + timedelta(hours=1)
    dialog = Dialog(manual_implementation=False, scheduled_at=at)
    await implement_push(world.house, world.by("ivan"), order.id, dialog)
    return lambda context: reschedule_push(world.house, context, order.id, at + timedelta(hours=1), None)


@case
async def retry(world: World) -> Command:
    connector_id = await world.connector()
    order_id = await implemented(world, connector_id)
    office = Office(world, Field())
    await office.settle()
    await office.later(world.house.settings.dispatch_deadline + 1)
    return lambda context: retry_push(world.house, context, order_id, None)


@case
async def acknowledge(world: World) -> Command:
    raised = await raise_alert(world.house, world.by("a"), AlertKind.EXPIRY, "c", "soon")
    return lambda context: acknowledge_alert(world.house, context, raised.result.id, "mine")


@case
async def resolve(world: World) -> Command:
    raised = await raise_alert(world.house, world.by("a"), AlertKind.EXPIRY, "c", "soon")
    return lambda context: resolve_alert(world.house, context, raised.result.id, "done")


@case
async def employ(world: World) -> Command:
    return lambda context: create_principal(world.house, context, "Rita", (Role.REQUESTER,))


@case
async def grant(world: World) -> Command:
    made = await create_principal(world.house, world.by("a"), "Rita")
    return lambda context: change_role(world.house, context, made.result.id, Role.APPROVER, held=True)


@case
async def set_all_roles(world: World) -> Command:
    rita = (await create_principal(world.house, world.by("a"), "Rita", (Role.REQUESTER,))).result
    return lambda context: set_roles(world.house, context, rita.id, frozenset({Role.APPROVER}))


@case
async def disable(world: World) -> Command:
    rita = (await create_principal(world.house, world.by("a"), "Rita")).result
    await create_token(world.house, world.by("a"), rita.id, "cli")
    return lambda context: disable_principal(world.house, context, rita.id, "Left.")


@case
async def enable(world: World) -> Command:
    rita = (await create_principal(world.house, world.by("a"), "Rita")).result
    await disable_principal(world.house, world.by("a"), rita.id)
    return lambda context: enable_principal(world.house, context, rita.id, "Is back.")


@case
async def take_a_token_back(world: World) -> Command:
    rita = (await create_principal(world.house, world.by("a"), "Rita")).result
    made = await create_token(world.house, world.by("a"), rita.id, "cli")
    return lambda context: revoke_token(world.house, context, made.result.token.id)


@case
async def create_a_policy(world: World) -> Command:
    return lambda context: registers.create(world.house, context, KIND, POLICY)


@case
async def change_a_policy(world: World) -> Command:
    made = await registers.create(world.house, world.by("a"), KIND, POLICY)
    return lambda context: registers.change(world.house, context, KIND, made.result.id, stricter)


@case
async def retire_a_policy(world: World) -> Command:
    made = await registers.create(world.house, world.by("a"), KIND, POLICY)
    return lambda context: registers.retire(world.house, context, KIND, made.result.id)


@case
async def order_one(world: World) -> Command:
    issuers = await local_pki(world)
    wish = OrderParameters(provider=Provider.LOCAL_PKI, common_name="www.example.org", validity_days=30)
    return lambda context: submit_order(world.house, context, issuers, wish)


@once
async def employ_a_token(world: World) -> Command:
    rita = (await create_principal(world.house, world.by("a"), "Rita")).result
    return lambda context: create_token(world.house, context, rita.id, "cli")


@once
async def enrol(world: World) -> Command:
    return lambda context: issue_enrolment(world.house, context, "bridge")


@once
async def enrol_again(world: World) -> Command:
    bridge_id = await world.bridge()
    return lambda context: issue_enrolment_again(world.house, context, bridge_id)
