"""The inventory's questions in SQL."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from domain.certificate import Certificate, CertificateStatus
from projections.columns import Type
from projections.inventory.projection import issuer_serial
from projections.inventory.view import (
    CertificateDer,
    CertificateDetail,
    CertificateFilter,
    CertificateRow,
    ColourRange,
    Sort,
)
from projections.reading.entities import Entities
from projections.reading.postgres import Reader
from projections.reading.queries import NEWEST_FIRST, OLDEST_FIRST, Decoder, Order, Where, columns, many
from projections.rows import Page, Row
from projections.text import part_pattern, sort_text

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

# Ordered here, with its key, without a successor, and old enough; each waits a little longer by the first of its id.
DUE_FOR_RENEWAL = """
SELECT e.id FROM read.inventory e
WHERE e.provider IS NOT NULL AND e.has_private_key AND NOT e.renewed AND e.revoked_at IS NULL
AND e.not_after >= %b::timestamptz AND e.not_before + (e.not_after - e.not_before) * (%b::float8 + %b::float8
    * (get_byte(uuid_send(e.id), 0) * 256 + get_byte(uuid_send(e.id), 1)) / 65536.0) <= %b::timestamptz
ORDER BY e.not_after, e.id LIMIT %b::bigint
"""

_NOT_REVOKED = "(e.revoked_at IS NULL OR e.revoked_at > %b::timestamptz)"
_STATUS = {
    CertificateStatus.REVOKED: "e.revoked_at <= %b::timestamptz",
    CertificateStatus.EXPIRED: f"{_NOT_REVOKED} AND e.not_after < %b::timestamptz",
    CertificateStatus.NOT_YET_VALID: f"{_NOT_REVOKED} AND e.not_after >= %b::timestamptz "
    "AND e.not_before > %b::timestamptz",
    CertificateStatus.ACTIVE: f"{_NOT_REVOKED} AND e.not_after >= %b::timestamptz AND e.not_before <= %b::timestamptz",
}


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
        return await self._rows.page(_where(narrow), ORDERS[sort], limit, cursor)

    def stream(self, narrow: CertificateFilter, *, sort: Sort = "not_after") -> AsyncIterator[Sequence[CertificateRow]]:
        return self._rows.stream(_where(narrow), ORDERS[sort])

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

    async def known_fingerprints(self, fingerprints: Sequence[str]) -> set[str]:
        rows = await self._reader.rows(KNOWN, [many(Type.TEXT, fingerprints)])
        return {fingerprint for (fingerprint,) in rows}


def _where(narrow: CertificateFilter) -> Where:
    where = Where().part("e.search", narrow.q)
    where.among("e.source", Type.TEXT, narrow.source).among("e.usage", Type.TEXT, narrow.usage)
    where.among("e.owner", Type.TEXT, narrow.owner).overlaps("e.tags", narrow.tag)
    where.flag("e.has_private_key", narrow.has_private_key).flag("e.renewed", narrow.replaced)
    where.among("e.key_algorithm", Type.TEXT, narrow.key_algorithm)
    where.among("e.issuer_key_id", Type.TEXT, narrow.issuer_key_id).among("e.id", Type.UUID, narrow.certificate_id)
    if narrow.issuer:
        where.add("e.issuer LIKE ANY (%b::text[])", many(Type.TEXT, map(part_pattern, narrow.issuer)))
    if narrow.expires_within is not None:
        end = narrow.now + narrow.expires_within
        where.add("e.not_after >= %b::timestamptz AND e.not_after <= %b::timestamptz", narrow.now, end)
    _provider(where, narrow)
    _status(where, narrow)
    _colours(where, narrow)
    _connectors(where, narrow)
    return where


def _provider(where: Where, narrow: CertificateFilter) -> None:
    named = [provider for provider in narrow.provider if provider is not None]
    if narrow.provider:
        or_none = " OR e.provider IS NULL" if None in narrow.provider else ""
        where.add(f"e.provider = ANY (%b::text[]){or_none}", many(Type.TEXT, named))


def _status(where: Where, narrow: CertificateFilter) -> None:
    wanted = [f"({_STATUS[status]})" for status in narrow.status]
    if wanted:
        condition = " OR ".join(wanted)
        where.add(condition, *[narrow.now] * condition.count("%b"))


def _colours(where: Where, narrow: CertificateFilter) -> None:
    if narrow.colours is None:
        return
    conditions: list[str] = ["false"]
    parameters: list[datetime] = []
    for wanted in narrow.colours:
        condition, more = _colour(wanted, narrow.now)
        conditions.append(f"({condition})")
        parameters += more
    where.add(" OR ".join(conditions), *parameters)


def _colour(wanted: ColourRange, now: datetime) -> tuple[str, list[datetime]]:
    if wanted.revoked:
        return "e.revoked_at <= %b::timestamptz", [now]
    condition, parameters = _NOT_REVOKED, [now]
    if wanted.after is not None:
        condition, parameters = f"{condition} AND e.not_after > %b::timestamptz", [*parameters, wanted.after]
    if wanted.until is not None:
        condition, parameters = f"{condition} AND e.not_after <= %b::timestamptz", [*parameters, wanted.until]
    return condition, parameters


def _connectors(where: Where, narrow: CertificateFilter) -> None:
    """An associated connector with all that is asked for."""
    if not (narrow.sync or narrow.target_system_id):
        return
    inner = Where().add("c.certificate_id = e.id AND NOT c.removed").among("c.sync", Type.TEXT, narrow.sync)
    inner.among("c.target_system_id", Type.UUID, narrow.target_system_id)
    where.add(f"EXISTS (SELECT FROM read.connectors c{inner})", *inner.parameters)
