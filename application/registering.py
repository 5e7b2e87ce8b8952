"""Target systems: register, change, retire, test. Secrets go to the vault; events name them, never hold them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from application.house import Attempt, Context, Done, House, Loaded, carry_out, check_version, load, write
from application.ports import Change, Errand
from domain import ids, target_system
from domain.bridge import BRIDGE
from domain.claim import CLAIM, Claimed, Released
from domain.endpoint import parse_endpoint
from domain.errors import Code, Refused
from domain.target_system import (
    TARGET_SYSTEM,
    TargetSettings,
    TargetSystem,
    TargetSystemRegistered,
)

TEST = "test"


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

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        bridge = await load(house, BRIDGE, command.bridge_id)
        _ = _as_field(bridge, "/bridge_id")
        claim = await _claim_name(house, context, command.name, target_id)
        event = TargetSystemRegistered(
            meta=context.meta,
            name=command.name,
            bridge_id=command.bridge_id,
            settings=_settings(command, version=1, secrets_version=1 if command.secrets else 0),
            secrets_set=tuple(sorted(command.secrets or ())),
            tags=command.tags,
        )
        if command.secrets:
            await house.vault.put_secrets(target_id, command.secrets)
        return Attempt((write(target, (event,)), write(bridge, ()), *claim), target.after((event,)))

    async def again() -> Loaded[TargetSystem]:
        return await load(house, TARGET_SYSTEM, target_id)

    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.register", again=again)


async def change_target(
    house: House, context: Context, target_id: UUID, command: DescribeTarget
) -> Done[Loaded[TargetSystem]]:
    """The new description of a target system. What a push depends on counts its version on."""

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        check_version(context, target)
        known = target.found
        bridge = await load(house, BRIDGE, command.bridge_id)
        _ = _as_field(bridge, "/bridge_id")
        secrets_version = known.settings.secrets_version + (1 if command.secrets is not None else 0)
        events = target_system.change(
            known,
            context.meta,
            name=command.name,
            tags=command.tags,
            wanted=_settings(command, version=0, secrets_version=secrets_version),
            secrets_set=known.secrets_set if command.secrets is None else tuple(sorted(command.secrets)),
        )
        claims: tuple[Change, ...] = ()
        if events and command.name.casefold() != known.name.casefold():
            claims = await _move_name(house, context, known.name, command.name, target_id)
        if events and command.secrets is not None:
            await house.vault.put_secrets(target_id, command.secrets)
        return Attempt((write(target, events), write(bridge, ()), *claims), target.after(events))

    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.change")


async def retire_target(house: House, context: Context, target_id: UUID) -> Done[Loaded[TargetSystem]]:
    """No longer in use."""

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        check_version(context, target)
        events = target_system.retire(target.found, context.meta)
        return Attempt((write(target, events),), target.after(events))

    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.retire")


async def request_test(house: House, context: Context, target_id: UUID) -> Done[UUID]:
    """Test Connection: the bridge is asked; its answer becomes `target_system.tested`."""
    target = (await load(house, TARGET_SYSTEM, target_id)).found
    errand_id = ids.derive("errand", TEST, context.command_id)
    deadline = context.at + timedelta(seconds=house.settings.errand_deadline)
    await house.errands.add(Errand(errand_id, TEST, target_id, target.bridge_id, deadline))
    return Done(result=errand_id, position=await house.log.head())


async def record_test(
    house: House, context: Context, target_id: UUID, *, healthy: bool, message: str
) -> Done[Loaded[TargetSystem]]:
    """What the bridge said of the target."""

    async def attempt() -> Attempt[Loaded[TargetSystem]]:
        target = await load(house, TARGET_SYSTEM, target_id)
        events = target_system.record_test(target.found, context.meta, healthy=healthy, message=message)
        return Attempt((write(target, events),), target.after(events))

    return await carry_out(house, context, attempt, subject_id=target_id, action="target_system.test")


def _settings(command: DescribeTarget, *, version: int, secrets_version: int) -> TargetSettings:
    endpoints = tuple(str(parse_endpoint(text, pointer=f"/endpoints/{n}")) for n, text in enumerate(command.endpoints))
    return TargetSettings(
        version=version,
        kind=command.kind,
        bridge_id=command.bridge_id,
        settings=command.settings,
        secrets_version=secrets_version,
        endpoints=endpoints,
        cloud=command.cloud,
    )


def _as_field(loaded: Loaded[Any], pointer: str) -> Any:
    """The state of something a body field names; a wrong id there is the body's fault."""
    if loaded.state is None:
        name = loaded.kind.name.replace("_", " ")
        raise Refused(Code.VALIDATION_FAILED, f"There is no {name} {loaded.id}.", pointer=pointer)
    return loaded.state


async def _claim_name(house: House, context: Context, name: str, target_id: UUID) -> tuple[Change, ...]:
    claim = await load(house, CLAIM, ids.name_claim_id("target-system", name))
    if claim.state is not None and claim.state.holder_id not in (None, target_id):
        raise Refused(Code.ALREADY_EXISTS, f"A target system named {name} exists already.", pointer="/name")
    return (write(claim, (Claimed(meta=context.meta, kind="target-system-name", holder_id=target_id),)),)


async def _move_name(house: House, context: Context, old: str, new: str, target_id: UUID) -> tuple[Change, ...]:
    former = await load(house, CLAIM, ids.name_claim_id("target-system", old))
    released = Released(meta=context.meta, kind="target-system-name", holder_id=target_id)
    return (*await _claim_name(house, context, new, target_id), write(former, (released,)))
