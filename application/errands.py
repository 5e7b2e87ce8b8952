"""Errands at the bridge: discoveries, connection tests, keys with their signing requests; leased like deployments, one
at a time per target.
"""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from application import target_secrets
from application.bridge_looks import VERIFICATION
from application.discovering import DISCOVER
from application.endpoint_keys import ENDPOINT_CSR, WantedCsr, is_awaited, wanted_csr
from application.handing_out import hand_out, oldest_of_each_target
from application.house import House, load
from application.ports import Errand
from application.scanning import NETWORK, network_settings
from domain.bridge import BRIDGE
from domain.discovery import DISCOVERY
from domain.target_system import TARGET_SYSTEM


class LeasedErrand(NamedTuple):
    """What a bridge needs for an errand; the secrets in it leave this process only sealed to that bridge."""

    errand: Errand
    fence: int
    target_name: str
    kind: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    wanted: WantedCsr | None = None

    def __repr__(self) -> str:
        return f"LeasedErrand({self.errand}, fence {self.fence})"


async def lease_errands(house: House, bridge_id: UUID, capacity: int) -> list[LeasedErrand]:
    """Hand up to `capacity` waiting errands to a bridge, each under a fresh fence."""
    offers = oldest_of_each_target(lambda limit: house.errands.waiting(bridge_id, limit), capacity)
    return await hand_out(offers, lambda errand: _lease_one(house, bridge_id, errand), capacity)


async def _lease_one(house: House, bridge_id: UUID, errand: Errand) -> LeasedErrand | None:
    if not await _recorded(house, errand) or not (await load(house, BRIDGE, bridge_id)).found.trusted:
        return None
    target_id, seconds = errand.target_system_id, house.settings.lease_seconds
    fence = await house.leases.take(errand.id, errand.kind, target_id, target_id, bridge_id, seconds)
    if fence is None:
        return None
    leased = await _material(house, errand, fence)
    if leased is None:
        await house.leases.release(errand.id, fence)
    return leased


async def _recorded(house: House, errand: Errand) -> bool:
    """A discovery waits in the queue a moment before it is in the ledger; its answer would have nowhere to go. An order
    may have ended while its key was waited for.
    """
    if errand.kind == ENDPOINT_CSR:
        return await is_awaited(house, errand)
    return errand.kind != DISCOVER or (await load(house, DISCOVERY, errand.id)).state is not None


async def _material(house: House, errand: Errand, fence: int) -> LeasedErrand | None:
    if errand.kind == DISCOVER and (scope := (await load(house, DISCOVERY, errand.id)).found.network):
        return LeasedErrand(errand, fence, NETWORK, NETWORK, network_settings(scope), {})
    if errand.kind == VERIFICATION:
        settings = msgspec.json.decode(errand.content or b"{}")
        return LeasedErrand(errand, fence, VERIFICATION, VERIFICATION, settings, {})
    target = (await load(house, TARGET_SYSTEM, errand.target_system_id)).found
    secrets = await target_secrets.read(house, errand.target_system_id, target.settings.secrets_version)
    if secrets is None:
        return None  # changed at this very moment: it will be offered again
    wanted = await wanted_csr(house, errand) if errand.kind == ENDPOINT_CSR else None
    return LeasedErrand(errand, fence, target.name, target.settings.kind, target.settings.settings, secrets, wanted)
