"""Secrets reach the bridge they are for, in the version that was approved, and nothing else."""

import asyncio
from uuid import UUID

import pytest

from application.administering import create_principal, create_token
from application.associating import AddConnector, add_connector
from application.deploying import LeasedDeployment, dispatch
from application.discovering import start_discovery
from application.enrolling import issue_enrolment
from application.errands import LeasedErrand
from application.house import load
from application.implementing import Dialog, approve_push, implement_push
from application.importing import ImportCertificate, import_certificate
from application.ports import Append, Appended, LogUnavailable
from application.registering import change_target, register_target, request_test
from application.target_secrets import read
from domain.errors import Code, Refused
from domain.push_states import DeploymentStatus
from domain.target_system import TARGET_SYSTEM, TargetSystem
from tests.application_laws.test_every_push_ends import implemented
from tests.support.field import Field, FieldBridge
from tests.support.office import Office
from tests.support.paper import certificate, upload
from tests.support.world import World, describe_target

CANARY = "canary-7f3a9c"


async def state_of(world: World, target_id: UUID) -> TargetSystem:
    return (await load(world.house, TARGET_SYSTEM, target_id)).found


async def in_use(world: World, target_id: UUID) -> dict[str, str] | None:
    """The secrets that a push would take now."""
    return await read(world.house, target_id, (await state_of(world, target_id)).settings.secrets_version)


async def secret_target(world: World, password: str = "first") -> tuple[UUID, UUID]:
    bridge_id = await world.bridge()
    return bridge_id, await world.target(bridge_id, secrets={"password": password})


async def test_a_refused_change_replaces_nothing() -> None:
    """Somebody else was faster: the refused change's secrets are neither in use nor kept."""
    world = World(1)
    bridge_id, target_id = await secret_target(world)
    wish = describe_target(bridge_id, "web-1", secrets={"password": CANARY})
    with pytest.raises(Refused) as refused:
        await change_target(world.house, world.by("olga", if_match=7), target_id, wish)
    assert Code.VERSION_CONFLICT is refused.value.code
    assert {"password": "first"} == await in_use(world, target_id)
    assert CANARY not in kept(world)


async def test_a_refused_registration_leaves_nothing() -> None:
    """The name is taken: no target, and no secrets of one."""
    world = World(1)
    bridge_id, _ = await secret_target(world)
    wish = describe_target(bridge_id, "web-1", secrets={"password": CANARY})
    with pytest.raises(Refused):
        await register_target(world.house, world.by("olga"), wish)
    assert CANARY not in kept(world)


def kept(world: World) -> str:
    """Everything that the vault holds."""
    return str(world.vault._secrets)


@pytest.mark.parametrize("seed", range(8))
async def test_whoever_wins_has_their_own_secrets_in_use(seed: int) -> None:
    """Ten people set other settings and other secrets at once: settings and secrets are of the same person, always."""
    world = World(seed, most=6)
    bridge_id, target_id = await secret_target(world)
    version = (await load(world.house, TARGET_SYSTEM, target_id)).version

    def change(number: int, *, careful: bool) -> object:
        wish = describe_target(bridge_id, "web-1", secrets={"password": str(number)}, root=f"/srv/{number}")
        context = world.by(f"p{number}", if_match=version if careful else None)
        return change_target(world.house, context, target_id, wish)

    attempts = [change(number, careful=number % 2 == 0) for number in range(10)]
    await asyncio.gather(*attempts, return_exceptions=True)  # type: ignore[call-overload]
    state = await state_of(world, target_id)
    assert {"password": state.settings.settings["root"].removeprefix("/srv/")} == await in_use(world, target_id)


async def test_the_same_secrets_by_two_people() -> None:
    """The refused one of two equal changes takes nothing away from the other."""
    world = World(3)
    bridge_id, target_id = await secret_target(world)
    version = (await load(world.house, TARGET_SYSTEM, target_id)).version
    wish = describe_target(bridge_id, "web-1", secrets={"password": "same"})
    outcomes = await asyncio.gather(
        *(change_target(world.house, world.by(p, if_match=version), target_id, wish) for p in ("a", "b")),
        return_exceptions=True,
    )
    assert 1 == sum(isinstance(outcome, Refused) for outcome in outcomes)
    assert {"password": "same"} == await in_use(world, target_id)


async def test_an_unknown_outcome_keeps_the_secrets() -> None:
    """The log does not say whether it committed: the secrets of the change stay, for it may have."""
    world = World(4)
    bridge_id, target_id = await secret_target(world)
    world.log.lose_answers = 1.0
    wish = describe_target(bridge_id, "web-1", secrets={"password": "new"})
    with pytest.raises(LogUnavailable):
        await change_target(world.house, world.by("olga"), target_id, wish)
    world.log.lose_answers = 0.0
    assert {"password": "new"} == await in_use(world, target_id)


async def test_what_was_approved_is_what_is_installed() -> None:
    """Secrets change while a deployment waits: it gets the ones it was dispatched with, as it does the settings."""
    world = World(5)
    bridge_id, target_id = await secret_target(world)
    connector_id = await world.connector(None, target_id)
    await dispatch(world.house, world.by("d"), await implemented(world, connector_id))
    wish = describe_target(bridge_id, "web-1", secrets={"password": "second"}, root="/srv")
    await change_target(world.house, world.by("olga"), target_id, wish)
    (work,) = await FieldBridge(world, Field(), bridge_id).lease()
    assert isinstance(work, LeasedDeployment)
    assert ({"password": "first"}, {"root": "/etc/nginx/tls"}) == (work.secrets, work.settings)


async def test_former_secrets_are_forgotten() -> None:
    """The version before the present one stays for what is under way; older ones go. A deployment that still wanted
    one ends with a clear cause.
    """
    world = World(6)
    bridge_id, target_id = await secret_target(world, CANARY)
    connector_id = await world.connector(None, target_id)
    await dispatch(world.house, world.by("d"), await implemented(world, connector_id))
    for number in (2, 3, 4):
        wish = describe_target(bridge_id, "web-1", secrets={"password": f"number {number}"})
        await change_target(world.house, world.by("olga"), target_id, wish)
    assert ("number 4" in kept(world), "number 3" in kept(world)) == (True, True)
    assert (CANARY in kept(world), "number 2" in kept(world)) == (False, False)
    assert [] == await FieldBridge(world, Field(), bridge_id).lease()
    state = await world.connector_state(connector_id)
    assert state.error
    assert DeploymentStatus.FAILED == state.deployment_status
    assert "no longer stored" in state.error.message


async def test_secrets_that_stay_and_secrets_that_go() -> None:
    """A change without secrets keeps them; an empty set takes them away; either way an approval knows the version."""
    world = World(7)
    bridge_id, target_id = await secret_target(world)
    await change_target(world.house, world.by("olga"), target_id, describe_target(bridge_id, "web-1", root="/srv"))
    assert {"password": "first"} == await in_use(world, target_id)
    before = (await state_of(world, target_id)).settings
    await change_target(world.house, world.by("olga"), target_id, describe_target(bridge_id, "web-1", secrets={}))
    after = await state_of(world, target_id)
    assert {} == await in_use(world, target_id)
    assert () == after.secrets_set
    assert after.settings.secrets_version > before.secrets_version


class ListeningLog:
    """Keeps the answers that commands ask the log to keep."""

    def __init__(self, world: World) -> None:
        self.heard: list[bytes] = []
        inner = world.ledger.append

        async def append(command: Append) -> Appended:
            self.heard.append(command.answer or b"")
            return await inner(command)

        world.ledger.append = append  # type: ignore[method-assign]


async def test_no_secret_in_the_ledger(caplog: pytest.LogCaptureFixture) -> None:
    """Private keys, target secrets and tokens are planted everywhere, everything is done and refused with them, and
    the ledger (payloads, leaves, kept answers), the log and every `repr` hold none of it.
    """
    caplog.set_level(0)
    world, field = World(8), Field()
    listening = ListeningLog(world)
    office = Office(world, field)
    secret = {"password": CANARY, "passphrase": f"{CANARY}-2"}
    bridge_id = await world.bridge()
    target_id = await world.target(bridge_id, "web-1", secrets=secret, endpoint="10.0.0.1:443")
    connector_id = await world.connector(None, target_id)
    bridge = FieldBridge(world, field, bridge_id)
    order = await world.push(connector_id, key="k")
    await approve_push(world.house, world.by("anton"), order.id, Dialog())
    await implement_push(world.house, world.by("ivan"), order.id, Dialog())
    await office.settle()
    told: list[object] = []
    while work := await bridge.lease():
        told += work
        for each in work:
            if isinstance(each, LeasedErrand):
                await bridge.answer(each)
            else:
                await bridge.install(each)
                await bridge.report(each)
        await office.settle()
    await request_test(world.house, world.by("olga"), target_id)
    await start_discovery(world.house, world.by("olga"), target_id)
    await bridge.work()
    rita = (await create_principal(world.house, world.by("admin"), "Rita")).result
    token = (await create_token(world.house, world.by("admin"), rita.id, "cli")).result
    enrolment = (await issue_enrolment(world.house, world.by("olga"), "second")).result
    told += [token, enrolment]
    for wrong in (
        lambda c: change_target(world.house, c, UUID(int=3), describe_target(bridge_id, "x", secrets=secret)),
        lambda c: register_target(world.house, c, describe_target(bridge_id, "web-1", secrets=secret)),
        lambda c: register_target(world.house, c, describe_target(UUID(int=4), "web-9", secrets=secret)),
        lambda c: import_certificate(world.house, c, world.reader, upload(certificate(1))),
        lambda c: import_certificate(
            world.house,
            c,
            world.reader,
            ImportCertificate(certificate_pem=certificate(2).pem, private_key_pem=certificate(1).key_pem),
        ),
        lambda c: add_connector(world.house, c, AddConnector(certificate_id=UUID(int=5), target_system_id=target_id)),
    ):
        with pytest.raises(Refused) as refused:
            await wrong(world.by("eve"))
        told += [refused.value.detail, refused.value.extra]
    told.append(describe_target(bridge_id, "x", secrets=secret))
    written = b"".join(row.entry.payload + row.leaf for row in world.ledger.stored) + b"".join(listening.heard)
    key = "".join(certificate(1).key_pem.splitlines()[1:-1])
    for text in (CANARY, key[:40], key[-40:], token.text.split("_", 2)[2], enrolment.token.partition(".")[2]):
        assert text.encode() not in written
        assert text not in repr(told)
        assert text not in caplog.text
    assert {LeasedDeployment, LeasedErrand} <= {type(each) for each in told}
    assert CANARY in kept(world)
