"""The revocation lists of Local PKI: made when a certificate is revoked, and again before they are a day old.

Nobody signs while a list is asked for, but for the first one that asks on a day. A list names what the inventory shows
as revoked of the CA's own certificates, until a week after they have expired.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from adapters.x509.building import Authority
from adapters.x509.crl import Lasting, PublishedCrl, RevokedSerial, lists, make_crl
from application.ports import Clock
from domain.certificate import Certificate, CertificateStatus
from domain.certificate_order import Provider
from projections.inventory.view import CertificateFilter, CertificateRow, Sort

LIFETIME = timedelta(days=7)
REFRESHED_AFTER = timedelta(days=1)
CACHE_SECONDS = 1.0
_SKEW = timedelta(hours=1)


class Turn(Protocol):
    """The right to publish the next list of one CA; `latest` is the one that is published."""

    latest: PublishedCrl | None

    async def keep(self, crl: PublishedCrl) -> None:
        """Publish it."""
        ...


class CrlStore(Protocol):
    """Where lists are published, for all processes."""

    async def latest(self, ca_id: str) -> PublishedCrl | None:
        """What is published now."""
        ...

    def next(self, ca_id: str) -> AbstractAsyncContextManager[Turn]:
        """Wait for one's turn; nobody else publishes for this CA until the end of the block."""
        ...


class Revocations(Protocol):
    """Where revoked certificates are found (projections.inventory.view.Inventory is one)."""

    def stream(self, narrow: CertificateFilter, *, sort: Sort = "not_after") -> AsyncIterator[Sequence[CertificateRow]]:
        """See Inventory.stream."""
        ...


class LocalPkiCrls:
    """The lists of these CAs, by their ids."""

    def __init__(
        self, authorities: Mapping[str, Authority], inventory: Revocations, store: CrlStore, clock: Clock
    ) -> None:
        self._authorities = authorities
        self._inventory = inventory
        self._store = store
        self._clock = clock
        self._turns = {ca_id: asyncio.Lock() for ca_id in authorities}
        self._seen: dict[str, tuple[float, PublishedCrl]] = {}

    async def current(self, ca_id: str) -> PublishedCrl | None:
        """The list of a CA as it is published, not older than a day; None where the CA is not ours."""
        if ca_id not in self._authorities:
            return None
        now = asyncio.get_running_loop().time()
        seen = self._seen.get(ca_id)
        if seen is not None and now < seen[0] + CACHE_SECONDS:
            return seen[1]
        found = await self._store.latest(ca_id)
        if found is None or self._is_old(found):
            found = await self._publish(ca_id, unless=lambda latest: not self._is_old(latest))
        self._seen[ca_id] = now, found
        return found

    async def list_revoked(self, ca_id: str, serial_number: int) -> PublishedCrl:
        """Make sure that a certificate, shown as revoked in the inventory, is on the list; the list that names it."""
        return await self._publish(ca_id, unless=lambda latest: lists(latest.der, serial_number))

    async def _publish(self, ca_id: str, unless: "_Unless") -> PublishedCrl:
        """The next list; `unless` the latest one will do, which somebody may have published in the meantime."""
        async with self._turns[ca_id], self._store.next(ca_id) as turn:
            if turn.latest is not None and unless(turn.latest):
                return turn.latest
            made = await self._make(ca_id, self._number_after(turn.latest))
            await turn.keep(made)
        return made

    def _number_after(self, latest: PublishedCrl | None) -> int:
        """The instant in milliseconds, and more than before: a database that was restored from a backup gives no number
        again that clients have seen since that backup (RFC 5280, 5.2.3).
        """
        now = int(self._clock().timestamp() * 1000)
        return max(now, latest.number + 1) if latest else now

    async def _make(self, ca_id: str, number: int) -> PublishedCrl:
        now = self._clock().replace(microsecond=0)
        entries = [entry async for entry in self._revoked(ca_id, now)]
        lasting = Lasting(now, now + LIFETIME)
        der = await asyncio.to_thread(make_crl, self._authorities[ca_id], number, entries, lasting)
        return PublishedCrl(number, *lasting, der)

    async def _revoked(self, ca_id: str, now: datetime) -> AsyncIterator[RevokedSerial]:
        revoked = CertificateFilter(
            now=now + _SKEW, status=(CertificateStatus.REVOKED,), provider=(Provider.LOCAL_PKI.value,)
        )
        async for batch in self._inventory.stream(revoked, sort="created"):
            for row in batch:
                if row.state.facts.authority_key_id == ca_id and not _is_over(row.state, now):
                    yield _entry(row.state)

    def _is_old(self, crl: PublishedCrl) -> bool:
        return crl.this_update + REFRESHED_AFTER <= self._clock()


class _Unless(Protocol):
    def __call__(self, latest: PublishedCrl, /) -> bool: ...


def _entry(state: Certificate) -> RevokedSerial:
    assert state.revoked_at is not None
    return RevokedSerial(int(state.facts.serial_number, 16), state.revoked_at, state.revocation_reason)


def _is_over(state: Certificate, now: datetime) -> bool:
    """It was on at least one list after it expired, and after it was revoked (RFC 5280, 3.3)."""
    assert state.revoked_at is not None
    return max(state.facts.not_after, state.revoked_at) + LIFETIME < now
