"""The secrets of target systems."""

from uuid import UUID

from application import sealed_secrets
from application.house import Context, House
from application.sealed_secrets import Described, Sealing
from domain.entity import Event
from domain.target_system import TargetSystem, TargetSystemChanged, TargetSystemRegistered


def _of_event(event: Event) -> int:
    return event.settings.secrets_version if isinstance(event, TargetSystemRegistered | TargetSystemChanged) else 0


_TARGETS: Described[TargetSystem] = Described("target-secrets", lambda state: state.settings.secrets_version, _of_event)


def sealing(house: House, context: Context, target_id: UUID, secrets: dict[str, str] | None) -> Sealing[TargetSystem]:
    """The secrets of one command while it is carried out; None leaves those that are set."""
    return Sealing(house, context, _TARGETS, target_id, secrets)


async def read(house: House, target_id: UUID, version: int) -> dict[str, str] | None:
    """The secrets of a version, empty for version 0 (none were ever set); None where they are no longer kept."""
    return await sealed_secrets.read(house, _TARGETS, target_id, version)
