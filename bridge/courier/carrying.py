"""One certificate, from the wish to the files: what was begun is gone on with, what is there is left alone."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import msgspec

from bridge.courier.config import CourierConfig, Wanted
from bridge.courier.due import reason_to_order
from bridge.courier.installing import install, installed
from bridge.courier.pending import Pending, begin, forget_pending, read_pending, save_pending
from bridge.courier.service import Order, Service, ServiceAway, ServiceRefuses
from bridge.drivers.failure import DriverFailure
from bridge.logs import say
from bridge.state import StateRefused

_POLL_SECONDS = 1.0


class Outcome(msgspec.Struct, frozen=True):
    """`status`: unchanged, installed, waiting (for the order), failed."""

    status: str
    message: str
    order_id: str | None = None


class Courier:
    """Carries the certificates of a configuration."""

    def __init__(self, config: CourierConfig, directory: Path, service: Service) -> None:
        self._config = config
        self._directory = directory
        self._service = service

    async def round(self) -> dict[str, Outcome]:
        """Look after every certificate once; one that fails holds up no other."""
        found: dict[str, Outcome] = {}
        for name, wanted in self._config.certificates.items():
            try:
                found[name] = await self._carry(name, wanted)
            except (ServiceAway, ServiceRefuses, DriverFailure, StateRefused) as error:
                found[name] = Outcome("failed", str(error))
            say("certificate", name=name, status=found[name].status, message=found[name].message)
        return found

    async def _carry(self, name: str, wanted: Wanted) -> Outcome:
        pending = read_pending(self._directory, name)
        if pending is None or pending.wanted != wanted:
            reason = await reason_to_order(self._service, wanted, await installed(wanted), dt.datetime.now(dt.UTC))
            if reason is None:
                forget_pending(self._directory, name)
                return Outcome("unchanged", "The certificate in use is the one that is wanted.")
            pending = save_pending(self._directory, name, begin(wanted))
        return await self._bring(name, pending)

    async def _bring(self, name: str, pending: Pending) -> Outcome:
        order = await self._ordered(name, pending)
        if order.status == "failed":
            forget_pending(self._directory, name)  # the next round orders anew
            return Outcome("failed", f"The order failed: {order.error}", str(order.id))
        if order.status != "complete":
            return Outcome("waiting", f"The order is {order.status}.", str(order.id))
        chain = await self._service.certificate(order.id)
        applied = await install(self._config, pending.wanted, chain, pending.private_key_pem)
        forget_pending(self._directory, name)
        return Outcome("installed", applied.message, str(order.id))

    async def _ordered(self, name: str, pending: Pending) -> Order:
        if pending.order_id is None:
            order = await self._submitted(name, pending)
            save_pending(self._directory, name, msgspec.structs.replace(pending, order_id=order.id))
        else:
            order = await self._service.look(pending.order_id)
        deadline = asyncio.get_running_loop().time() + self._config.wait_seconds
        while order.status in ("pending", "processing") and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(min(_POLL_SECONDS, self._config.wait_seconds))
            order = await self._service.look(order.id)
        return order

    async def _submitted(self, name: str, pending: Pending) -> Order:
        """A request that is refused is forgotten: the configuration, or a policy, has to change first."""
        try:
            return await self._service.order(_body(pending), pending.idempotency_key)
        except ServiceRefuses:
            forget_pending(self._directory, name)
            raise


def _body(pending: Pending) -> dict[str, Any]:
    wanted = pending.wanted
    body: dict[str, Any] = {
        "mode": "csr",
        "provider": wanted.provider,
        "common_name": wanted.names[0],
        "subject_alternative_names": list(wanted.names),
        "validity_days": wanted.validity_days,
        "usage": wanted.usage,
        "csr_pem": pending.csr_pem,
    }
    return body | ({"provider_id": wanted.provider_id} if wanted.provider_id is not None else {})
