"""What the inventory report rests on, in SQL."""

import msgspec

from projections.certificate_records.view import CertificateRecord
from projections.inventory_report.report import report
from projections.inventory_report.view import EVERYTHING, InventoryReport, Only
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.scope import Scope

# Every certificate that was there.
CERTIFICATES = "SELECT id, doc FROM read.certificate_records WHERE created_position <= %b::bigint"


class PostgresInventoryReports:
    """projections.inventory_report.view.InventoryReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._certificate = msgspec.json.Decoder(CertificateRecord).decode

    async def report(self, scope: Scope, thresholds: tuple[int, ...], only: Only = EVERYTHING) -> InventoryReport:
        rows = await self._reader.rows(CERTIFICATES, [scope.position])
        return await apart(lambda: report({key: self._certificate(doc) for key, doc in rows}, scope, thresholds, only))
