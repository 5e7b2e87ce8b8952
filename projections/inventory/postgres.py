"""The inventory's questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from domain.certificate import Certificate, CertificateStatus
from projections.columns import Type
from projections.inventory.conditions import conditions, looked_up, window
from projections.inventory.projection import issuer_serial
from projections.inventory.searching import searched
from projections.inventory.view import (
    CertificateDer,
    CertificateDetail,
    CertificateFilter,
    CertificateRow,
    Sort,
)
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, OLDEST_FIRST, WIDTH, Decoder, Order, Where, columns, many
from projections.rows import Page, Row, page
from projections.text import sort_text

# One certificate, with what decides on its actions.
DETAIL = f"""
SELECT {columns("e")},
       (SELECT count(*) FROM read.connectors c WHERE c.certificate_id = e.id AND NOT c.removed),
       (SELECT count(*) FROM read.work_orders w WHERE w.certificate_id = e.id AND w.open)
FROM read.inventory e WHERE e.id = %b::uuid
"""  # noqa: S608 - constants

# What a download consists of.
DER = "SELECT e.der, e.chain, e.common_name FROM read.inventory e WHERE e.id = %b::uuid AND e.der IS NOT NULL"

# Which of many fingerprints are in the inventory.
KNOWN = "SELECT e.fingerprint FROM read.inventory e WHERE e.fingerprint = ANY (%b::text[])"

# Its key is here or was made on its target system (of those orders there is an index of their own): a new one takes its
# place without anybody.
WITH_A_KEY = """(e.has_private_key
    OR EXISTS (SELECT FROM read.orders o WHERE o.certificate_id = e.id AND o.mode = 'endpoint_csr'))"""

# Ordered here, with a key, without a successor, and old enough; each waits a little longer by the first of its id.
DUE_FOR_RENEWAL = f"""
SELECT e.id FROM read.inventory e
WHERE e.provider IS NOT NULL AND {WITH_A_KEY} AND NOT e.renewed AND e.revoked_at IS NULL
AND e.not_after >= %b::timestamptz AND e.not_before + (e.not_after - e.not_before) * (%b::float8 + %b::float8
    * (get_byte(uuid_send(e.id), 0) * 256 + get_byte(uuid_send(e.id), 1)) / 65536.0) <= %b::timestamptz
ORDER BY e.not_after, e.id LIMIT %b::bigint
"""  # noqa: S608 - constants

_VALID = (CertificateStatus.ACTIVE, CertificateStatus.NOT_YET_VALID)


def _not_after(row: Row[Certificate]) -> datetime:
    return row.state.facts.not_after


def _common_name(row: Row[Certificate]) -> str:
    return sort_text(row.state.facts.common_name)


ORDERS: dict[Sort, Order] = {
    "not_after": Order("not_after", "not_after", "timestamptz", _not_after),
    "-not_after": Order("-not_after", "not_after", "timestamptz", _not_after, descending=True),
    "common_name": Order("common_name", "common_name", "text", _common_name),
    "-common_name": Order("-common_name", "common_name", "text", _common_name, descending=True),
    "created": OLDEST_FIRST,
    "-created": NEWEST_FIRST,
}


class PostgresInventory:
    """projections.inventory.view.Inventory."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows = Entities(reader, "inventory", Certificate)
        self._decode = Decoder(Certificate)

    async def get(self, certificate_id: UUID) -> CertificateRow | None:
        return await self._rows.get(certificate_id)

    async def get_many(self, certificate_ids: Sequence[UUID]) -> dict[UUID, CertificateRow]:
        return await self._rows.get_many(certificate_ids)

    async def detail(self, certificate_id: UUID) -> CertificateDetail | None:
        for *row, connectors, work_orders in await self._reader.rows(DETAIL, [certificate_id]):
            return CertificateDetail(certificate=self._decode(row), connectors=connectors, open_work_orders=work_orders)
        return None

    async def list(
        self, narrow: CertificateFilter, *, sort: Sort = "not_after", limit: int = 50, cursor: str | None = None
    ) -> Page[CertificateRow]:
        query, parameters = searched(narrow, ORDERS[sort], limit + 1, cursor)
        # What is rare and what is not, and so which index is the right one, depends on the values.
        rows = await self._reader.rows(query, parameters, prepare=not str(conditions(narrow)))
        found = [self._decode(row[:WIDTH]) for row in rows]
        return page(found, limit, ORDERS[sort].cursor_of)

    def stream(self, narrow: CertificateFilter, *, sort: Sort = "not_after") -> AsyncIterator[Sequence[CertificateRow]]:
        return self._rows.stream(conditions(narrow).both(window(narrow)).both(looked_up(narrow)), ORDERS[sort])

    async def der(self, certificate_id: UUID) -> CertificateDer | None:
        rows = await self._reader.rows(DER, [certificate_id])
        return CertificateDer(rows[0][0], tuple(rows[0][1]), rows[0][2]) if rows else None

    async def by_fingerprint(self, fingerprint_sha256: str) -> CertificateRow | None:
        return await self._rows.first(Where().add("e.fingerprint = %b::text", fingerprint_sha256))

    async def by_issuer_serial(self, issuer: str, serial_number: str) -> CertificateRow | None:
        key = issuer_serial(issuer, serial_number)
        return await self._rows.first(Where().add("e.issuer_serial = %b::bytea", key), " ORDER BY e.created_position")

    async def due_for_renewal(self, now: datetime, after: float, spread: float, limit: int) -> Sequence[UUID]:
        rows = await self._reader.rows(DUE_FOR_RENEWAL, [now, after, spread, now, limit])
        return [certificate_id for (certificate_id,) in rows]

    def renewable(self, now: datetime, provider: str) -> AsyncIterator[Sequence[CertificateRow]]:
        narrow = CertificateFilter(now=now, status=_VALID, provider=(provider,), replaced=False)
        where = conditions(narrow).both(window(narrow)).both(looked_up(narrow)).add(WITH_A_KEY)
        return self._rows.stream(where, ORDERS["not_after"])

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        rows = await self._reader.rows(KNOWN, [many(Type.TEXT, fingerprints)])
        return {fingerprint for (fingerprint,) in rows}
