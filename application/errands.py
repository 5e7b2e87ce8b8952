"""Errands at the bridge: discoveries and connection tests, leased like deployments, one at a time per target."""

from typing import Any, NamedTuple
from uuid import UUID

from application.house import House, load
from application.ports import Errand
from domain.target_system import TARGET_SYSTEM


class LeasedErrand(NamedTuple):
    """What a bridge needs for an errand; the secrets in it leave this process only sealed to that bridge."""

    errand: Errand
    fence: int
    target_name: str
    kind: str
    settings: dict[str, Any]
    secrets: dict[str, str]


async def lease_errands(house: House, bridge_id: UUID, capacity: int) -> list[LeasedErrand]:
    """Hand up to `capacity` waiting errands to a bridge, each under a fresh fence."""
    taken: list[LeasedErrand] = []
    for errand in await house.errands.waiting(bridge_id, 4 * capacity):
        if len(taken) >= capacity:
            break
        fence = await house.leases.take(
            errand.id, errand.kind, errand.target_system_id, errand.target_system_id, bridge_id, _seconds(house)
        )
        if fence is not None:
            taken.append(await _material(house, errand, fence))
    return taken


async def _material(house: House, errand: Errand, fence: int) -> LeasedErrand:
    target = (await load(house, TARGET_SYSTEM, errand.target_system_id)).found
    secrets = await house.vault.secrets(errand.target_system_id)
    return LeasedErrand(errand, fence, target.name, target.settings.kind, target.settings.settings, secrets)


def _seconds(house: House) -> float:
    return house.settings.lease_seconds
