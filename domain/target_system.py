"""A device that certificates are installed on: kind, bridge, settings without secrets."""

from typing import Any
from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event, Meta
from domain.errors import Code, Refused
from domain.texts import verbatim


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a push depends on: exactly the fields that an approval is bound to (not name or tags).

    `settings` follow the JSON schema of the kind; `secrets_version` counts changes of the secrets, whose values live in
    the vault. `version` counts changes of any field here, from 1.
    """

    version: int
    kind: str
    bridge_id: UUID
    settings: dict[str, Any]
    secrets_version: int = 0
    endpoints: tuple[str, ...] = ()
    cloud: bool = False


class TargetSystemRegistered(Event, frozen=True, kw_only=True):
    """A new target system; `secrets_set` are the names of secrets that were given, never their values."""

    topic = "target_system.registered"
    name: str
    bridge_id: UUID
    settings: TargetSettings
    secrets_set: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class TargetSystemChanged(Event, frozen=True, kw_only=True):
    """The whole new description."""

    topic = "target_system.changed"
    name: str
    bridge_id: UUID
    settings: TargetSettings
    secrets_set: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class TargetSystemRetired(Event, frozen=True, kw_only=True):
    """No longer in use; its connectors can no longer be pushed to."""

    topic = "target_system.retired"


class TargetSystemTested(Event, frozen=True, kw_only=True):
    """Test Connection, as the bridge reported it."""

    topic = "target_system.tested"
    healthy: bool
    message: str


class TargetSystem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State of one target system."""

    name: str
    settings: TargetSettings
    secrets_set: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    retired: bool = False
    last_test_healthy: bool | None = None
    last_test_message: str | None = None

    @property
    def bridge_id(self) -> UUID:
        """The bridge that installs here."""
        return self.settings.bridge_id


def change(
    target: TargetSystem,
    meta: Meta,
    *,
    name: str,
    tags: tuple[str, ...],
    wanted: TargetSettings,
    secrets_set: tuple[str, ...],
) -> tuple[Event, ...]:
    """The new description; `wanted.version` is ignored and counted on only when something a push depends on changed."""
    if target.retired:
        raise Refused(
            Code.INVALID_TRANSITION,
            f"{target.name} is retired; register it again to use it.",
            current_status="retired",
            allowed=[],
        )
    settings = msgspec.structs.replace(wanted, version=target.settings.version)
    if settings != target.settings:
        settings = msgspec.structs.replace(settings, version=target.settings.version + 1)
    fresh = msgspec.structs.replace(target, name=name, tags=tags, settings=settings, secrets_set=secrets_set)
    if fresh == target:
        return ()
    return (
        TargetSystemChanged(
            meta=meta, name=name, bridge_id=settings.bridge_id, settings=settings, secrets_set=secrets_set, tags=tags
        ),
    )


def retire(target: TargetSystem, meta: Meta) -> tuple[Event, ...]:
    """Retire once; a repeat makes no event."""
    return () if target.retired else (TargetSystemRetired(meta=meta),)


def record_test(_: TargetSystem, meta: Meta, *, healthy: bool, message: str) -> tuple[Event, ...]:
    """Test Connection, as the bridge reported it; every test is history."""
    return (TargetSystemTested(meta=meta, healthy=healthy, message=verbatim(message)),)


def _registered(_: TargetSystem | None, event: TargetSystemRegistered) -> TargetSystem:
    return TargetSystem(name=event.name, settings=event.settings, secrets_set=event.secrets_set, tags=event.tags)


def _changed(state: TargetSystem, event: TargetSystemChanged) -> TargetSystem:
    return msgspec.structs.replace(
        state, name=event.name, settings=event.settings, secrets_set=event.secrets_set, tags=event.tags
    )


def _tested(state: TargetSystem, event: TargetSystemTested) -> TargetSystem:
    return msgspec.structs.replace(state, last_test_healthy=event.healthy, last_test_message=event.message)


TARGET_SYSTEM: AggregateType[TargetSystem] = AggregateType(
    name="target_system",
    table={
        TargetSystemRegistered: _registered,
        TargetSystemChanged: _changed,
        TargetSystemRetired: lambda state, _: msgspec.structs.replace(state, retired=True),
        TargetSystemTested: _tested,
    },
)
