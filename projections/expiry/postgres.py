"""What the expiry report rests on, in SQL."""

import msgspec

from projections.certificate_records.view import CertificateRecord
from projections.connector_records.view import ConnectorRecord
from projections.expiry.report import report
from projections.expiry.view import ExpiryReport
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.scope import Scope
from projections.target_records.postgres import target_names

# Every certificate that was there.
CERTIFICATES = "SELECT id, doc FROM read.certificate_records WHERE created_position <= %b::bigint"

# Every connector that was there.
CONNECTORS = "SELECT id, doc FROM read.connector_records WHERE created_position <= %b::bigint"


class PostgresExpiryReports:
    """projections.expiry.view.ExpiryReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._certificate = msgspec.json.Decoder(CertificateRecord).decode
        self._connector = msgspec.json.Decoder(ConnectorRecord).decode

    async def report(self, scope: Scope, thresholds: tuple[int, ...], *, not_renewed: bool = False) -> ExpiryReport:
        certificates = await self._reader.rows(CERTIFICATES, [scope.position])
        connectors = await self._reader.rows(CONNECTORS, [scope.position])
        names = await target_names(self._reader, scope.position)
        return await apart(
            lambda: report(
                {key: self._certificate(doc) for key, doc in certificates},
                {key: self._connector(doc) for key, doc in connectors},
                names,
                scope,
                thresholds,
                not_renewed=not_renewed,
            )
        )
