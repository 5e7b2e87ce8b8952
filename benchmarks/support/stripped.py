"""Orders in bulk, stripped of all that the words "durable, audited, in the inventory" do not ask for.

What an order is decided on, its key sealed in the vault, its five events in the ledger, its rows in the inventory, in
the list of orders and in the index of the audit trail: those are here, made by the service's own code. Left out are
the queue and whoever follows the ledger to react to it, the past of the read models and every other read model, what
is kept for a repetition after a crash; submission and outcome are one append. Whatever becomes of the parts that are
left out, a whole order costs more than this.
"""

import asyncio
import functools
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import msgspec

from adapters.bootstrap import Core
from adapters.issuing import LocalPkiOrders, Providers, Vault
from adapters.keys.generating import generate_key
from adapters.settings import load_settings
from adapters.x509.requests import read_request
from api.cli.collecting import collect_seldom
from application import codec
from application.house import House, Loaded
from application.issuer_ports import Issuer
from application.issuing_ports import Issuers
from application.order_processing import process_order
from application.ordering import submit_order
from application.ports import Append, Appended, CertificateReader, Change, Log, Recorded
from application.vault_ports import KeyVault
from benchmarks.support import bulk
from benchmarks.support.bulk import Bulk
from benchmarks.support.orders import context, wish
from domain.certificate_order import CertificateOrder, Provider
from projections.audit_trail.projection import AUDIT_SUBJECTS
from projections.inventory.projection import INVENTORY
from projections.orders.projection import ORDERS
from projections.runner import Runner
from tests.support.office import MemoryCrls

_FOLLOWED = (INVENTORY, ORDERS, AUDIT_SUBJECTS)


class OneAppend:
    """A log in which an order waits for its outcome, so that both are one append. Anything else passes."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._waiting: dict[UUID, Append] = {}

    async def load(self, stream_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """See Log.load."""
        there = {stream_id: self._found(stream_id) for stream_id in stream_ids if stream_id in self._waiting}
        rest = [stream_id for stream_id in stream_ids if stream_id not in there]
        return there | (await self._log.load(rest) if rest else {})

    async def append(self, command: Append) -> Appended:
        """See Log.append."""
        order_id = command.changes[0].stream_id
        if order_id not in self._waiting:
            self._waiting[order_id] = command
            return Appended(first_position=0, last_position=0, recorded_at=datetime.now(UTC))
        return await self._log.append(_joined(self._waiting.pop(order_id), command))

    def _found(self, order_id: UUID) -> list[Recorded]:
        now, (order, *_) = datetime.now(UTC), self._waiting[order_id].changes
        return [
            Recorded(position=0, stream_id=order_id, version=version, recorded_at=now, event=event)
            for version, event in enumerate(order.events, 1)
        ]


def _joined(submission: Append, outcome: Append) -> Append:
    (first, *rests_on), (more, *others) = submission.changes, outcome.changes
    order: Change = msgspec.structs.replace(first, events=(*first.events, *more.events))
    return msgspec.structs.replace(submission, changes=(order, *rests_on, *others))


class OnlyKeys:
    """A vault that keeps the key of what was issued, and no answer to give once more."""

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault

    async def kept(self, *_: object) -> None:
        """Nothing is."""

    async def forget(self, *_: object) -> None:
        """Nothing is kept."""

    async def keep_first_with_key(self, _: UUID, __: str, value: bytes, certificate_id: UUID, key: bytes) -> bytes:
        """The key."""
        await self._vault.put_private_key(certificate_id, key)
        return value


def stripped(house: House, vault: Vault, authority: Issuer, reader: CertificateReader) -> tuple[House, Issuers]:
    """A house and its Local PKI, stripped."""
    only_keys = cast("Vault", OnlyKeys(vault))
    orders = LocalPkiOrders(authority, generate_key, read_request, reader, only_keys, MemoryCrls())
    log = cast("Log", OneAppend(house.log))
    return house._replace(log=log, vault=only_keys), Providers({Provider.LOCAL_PKI: orders})


async def order(house: House, issuers: Issuers) -> Loaded[CertificateOrder]:
    """Submitted, issued, and recorded at once."""
    submitted = await submit_order(house, context(), issuers, wish())
    return (await process_order(house, context(), issuers, submitted.result.id)).result


@functools.cache
def _of(core: Core) -> tuple[House, Issuers]:
    return stripped(core.house, core.vault, core.local_pki, core.reader)


async def _order(core: Core) -> object:
    return await order(*_of(core))


def measure(counts: Sequence[int]) -> list[Bulk]:
    """As `bulk.measure`."""
    return bulk.measure(counts, command=(sys.executable, "-m", "benchmarks.support.stripped"), order=_order)


if __name__ == "__main__":  # whoever follows the ledger
    collect_seldom()
    asyncio.run(Runner(load_settings().dsn, codec.decode, _FOLLOWED).run())
