"""Target systems: register, change, retire, test. Secrets go to the vault; events name them, never hold them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from application import target_secrets
from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    write,
)
from application.naming import change_name, claim_name, release_name
from application.ports import Change, Errand
from application.reaching import of_target
from domain import ids, target_system
from domain.bridge import BRIDGE, BridgeStatus
from domain.endpoint import parse_endpoint
from domain.errors import Code, Refused
from domain.role_scope import Concern
from domain.target_system import (
    TARGET_SYSTEM,
    TargetSettings,
    TargetSystem,
    TargetSystemRegistered,
)

TEST = "test"
_KIND = "target-system"
_ANY_WORDS = b"\0" * 32


class DescribeTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The whole description of a target system; `secrets` None keeps those that are set."""

    name: str
    kind: str
    bridge_id: UUID
    settings: dict[str, Any] = {}
    endpoints: tuple[str, ...] = ()
    cloud: bool = False
    tags: tuple[str, ...] = ()
    secrets: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"DescribeTarget({self.name!r}, ...)"


async def register_target(house: House, context: Context, command: DescribeTarget) -> Done[Loaded[TargetSystem]]:
    """A new target system behind an existing bridge; names are unique."""
    target_id = ids.derive("target-system", context.command_id)

    sealed = target_secrets.sealing(house, context, target_id, command.secrets or None)

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        bridge = await _bridge_in_use(house, command.bridge_id)
        claim = await claim_name(house, context, _KIND, command.name, target_id)
        event = TargetSystemRegistered(
            meta=context.meta,
            name=command.name,
            bridge_id=command.bridge_id,
            settings=_settings(command, version=1, secrets_version=await sealed.after(0)),
            secrets_set=tuple(sorted(command.secrets or ())),
            tags=tuple(dict.fromkeys(command.tags)),
        )
        return Attempt((write(target, (event,)), bridge, *claim), target.after((event,)))

    again = reading_back(house, TARGET_SYSTEM, target_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=target_id, action="target_system.register", again=again)
    )


async def change_target(
    house: House, context: Context, target_id: UUID, command: DescribeTarget
) -> Done[Loaded[TargetSystem]]:
    """The new description of a target system. What a push depends on counts its version on."""
    sealed = target_secrets.sealing(house, context, target_id, command.secrets)

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        known, tags = target.found, tuple(dict.fromkeys(command.tags))
        # Before and after: nobody tags anything into the scope of their role, nor out of it.
        within = context.concerning(of_target(known), Concern(target_tags=tags))
        check_version(context, target)
        bridge = await _bridge_in_use(house, command.bridge_id)
        events = target_system.change(
            known,
            context.meta,
            name=command.name,
            tags=tags,
            wanted=_settings(command, version=0, secrets_version=await sealed.after(known.settings.secrets_version)),
            secrets_set=known.secrets_set if command.secrets is None else tuple(sorted(command.secrets)),
        )
        claims = await change_name(house, context, _KIND, known.name, command.name, target_id) if events else ()
        return Attempt((write(target, events), bridge, *claims), target.after(events), within)

    again = reading_back(house, TARGET_SYSTEM, target_id)
    return await sealed.settle(
        carry_out(house, context, attempt, subject_id=target_id, action="target_system.change", again=again)
    )


async def retire_target(house: House, context: Context, target_id: UUID) -> Done[Loaded[TargetSystem]]:
    """No longer in use; another one may have its name from now on."""

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        within = context.concerning(of_target(target.found))
        check_version(context, target)
        events = target_system.retire(target.found, context.meta)
        claim = await release_name(house, context, _KIND, target.found.name, target_id) if events else ()
        return Attempt((write(target, events), *claim), target.after(events), within)

    again = reading_back(house, TARGET_SYSTEM, target_id)
    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.retire", again=again)


async def request_test(house: House, context: Context, target_id: UUID) -> Done[UUID]:
    """Test Connection: the bridge is asked; its answer becomes `target_system.tested`."""
    errand_id = ids.derive("errand", TEST, context.command_id)
    deadline = context.at + timedelta(seconds=house.settings.errand_deadline)

    async def attempt() -> Attempt[UUID]:
        loaded = await load(house, TARGET_SYSTEM, target_id)
        target = loaded.found
        within = context.concerning(of_target(target))
        check_version(context, loaded)
        check_in_use(target)
        await check_connected(house, target)
        await house.errands.add(Errand(errand_id, TEST, target_id, target.bridge_id, deadline))
        return Attempt((), errand_id, within)

    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.test")


def check_in_use(target: TargetSystem) -> None:
    """Refuse to send anybody to a target system that is retired."""
    if target.retired:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{target.name} is retired; no bridge looks at it any more.",
            current_status="retired",
            allowed=[],
        )


async def check_connected(house: House, target: TargetSystem) -> None:
    """Somebody waits for the answer: a bridge that cannot give one is told at once."""
    bridge = (await load(house, BRIDGE, target.bridge_id)).found
    if bridge.status is not BridgeStatus.CONNECTED:
        is_what = bridge.status.value.replace("_", " ")
        sentence = f"The bridge {bridge.name} of {target.name} is {is_what}. Start it, then try again."
        raise Refused(Code.BRIDGE_DISCONNECTED, sentence)


async def take_test(
    house: House, context: Context, errand_id: UUID, *, healthy: bool, message: str
) -> Done[Loaded[TargetSystem]]:
    """The end of a Test Connection: the first word on it counts, a repeated one changes nothing."""
    errand = await house.errands.find(errand_id)
    if errand is None or errand.kind != TEST:
        raise Refused(Code.NOT_FOUND, f"There is no connection test {errand_id}.")
    command_id = ids.derive("test-result", errand_id)
    # Whatever is said later is a repeat, also in other words: its body is not compared.
    once = msgspec.structs.replace(context, command_id=command_id, body_sha256=_ANY_WORDS)
    done = await record_test(house, once, errand.target_system_id, healthy=healthy, message=message)
    await house.errands.done(errand_id)
    return done


async def record_test(
    house: House, context: Context, target_id: UUID, *, healthy: bool, message: str
) -> Done[Loaded[TargetSystem]]:
    """What the bridge said of the target."""

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        events = target_system.record_test(target.found, context.meta, healthy=healthy, message=message)
        return Attempt((write(target, events),), target.after(events))

    again = reading_back(house, TARGET_SYSTEM, target_id)
    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.test", again=again)


def _settings(command: DescribeTarget, *, version: int, secrets_version: int) -> TargetSettings:
    endpoints = tuple(str(parse_endpoint(text, pointer=f"/endpoints/{n}")) for n, text in enumerate(command.endpoints))
    return TargetSettings(
        version=version,
        kind=command.kind,
        bridge_id=command.bridge_id,
        settings=command.settings,
        secrets_version=secrets_version,
        endpoints=tuple(dict.fromkeys(endpoints)),
        cloud=command.cloud,
    )


async def _bridge_in_use(house: House, bridge_id: UUID) -> Change:
    """Assert that the bridge a body names is there, and not retired."""
    bridge = await load(house, BRIDGE, bridge_id)
    if bridge.named_by("/bridge_id").status is BridgeStatus.RETIRED:
        sentence = f"The bridge {bridge.found.name} is retired; choose another one."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/bridge_id")
    return write(bridge, ())
