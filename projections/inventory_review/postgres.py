"""What the report on reviews rests on, in SQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain.review import EVERYTHING, Review, ReviewFilter
from projections.certificate_records.view import CertificateRecord
from projections.inventory_review import parts
from projections.inventory_review.report import Attested, Inventory, report
from projections.inventory_review.view import InventoryReviews
from projections.reading.apart import apart
from projections.reading.names import principal_names
from projections.reading.postgres import Reader
from projections.scope import Scope

# Attestations up to a position.
ATTESTED = "SELECT id, created_position, doc FROM read.reviews WHERE created_position <= %b::bigint"

# How many certificates there were, and the first of them.
SIZE = """
SELECT count(*), (SELECT doc FROM read.certificate_records WHERE created_position <= %b::bigint
                  ORDER BY created_position LIMIT 1)
FROM read.certificate_records WHERE created_position <= %b::bigint
"""

# Certificates that may have changed since a position.
CHANGED = """
SELECT id, doc FROM read.certificate_records WHERE position > %b::bigint AND created_position <= %b::bigint
"""

# All certificates of a position.
ALL = "SELECT doc FROM read.certificate_records WHERE created_position <= %b::bigint"


class PostgresReviewReports:
    """projections.inventory_review.view.ReviewReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._review = msgspec.json.Decoder(Review).decode
        self._record = msgspec.json.Decoder(CertificateRecord).decode

    async def report(self, scope: Scope, every: timedelta) -> InventoryReviews:
        rows = await self._reader.rows(ATTESTED, [scope.position])
        attested = [Attested(key, position, self._review(doc).attested) for key, position, doc in rows]
        names = await principal_names(self._reader)
        inventory = await self._inventory(attested, scope.position)
        return await apart(lambda: report(attested, inventory, names, scope, every))

    async def looked_at(self, position: int, only: ReviewFilter) -> tuple[int, str]:
        rows = await self._reader.rows(ALL, [position])

        def work() -> tuple[int, str]:
            held = parts.at((self._record(doc) for (doc,) in rows), only, position)
            return len(held), parts.digest(held)

        return await apart(work)

    async def _inventory(self, attested: Sequence[Attested], position: int) -> Inventory:
        ((count, first),) = await self._reader.rows(SIZE, [position, position])
        changed: dict[UUID, Any] = {}
        if attested:
            rows = await self._reader.rows(CHANGED, [_earliest(attested), position])
            changed = await apart(lambda: {key: self._record(doc) for key, doc in rows})
        return Inventory(count, self._record(first).added.at if first is not None else None, changed)


def _earliest(attested: Sequence[Attested]) -> int:
    """The earliest position that one of the latest attestations of each part looked at."""
    latest: dict[ReviewFilter, Attested] = {}
    for each in sorted(attested, key=lambda a: a.position):
        latest[each.event.filter or EVERYTHING] = each
    return min(each.event.as_of_position for each in latest.values())
