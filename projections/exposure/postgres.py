"""What the report on exposure windows rests on, in SQL."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from projections.certificate_records.view import CertificateRecord
from projections.columns import Type
from projections.connector_records.view import ConnectorRecord
from projections.exposure.report import report
from projections.exposure.view import ExposureReport
from projections.reading.apart import apart
from projections.reading.postgres import Reader
from projections.reading.queries import Where, many
from projections.scope import Scope
from projections.served_runs.view import Run

# Runs that may be an exposure: of a wrong certificate, or of one that has expired by the end or was revoked.
RUNS = """
SELECT e.doc, c.id, c.doc FROM read.served_runs e
LEFT JOIN read.certificate_records c ON c.fingerprint = e.served{where}
"""

# Connectors that looked.
CONNECTORS = "SELECT id, doc FROM read.connector_records WHERE id = ANY (%b::uuid[])"


class PostgresExposureReports:
    """projections.exposure.view.ExposureReports."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._run = msgspec.json.Decoder(Run).decode
        self._certificate = msgspec.json.Decoder(CertificateRecord).decode
        self._connector = msgspec.json.Decoder(ConnectorRecord).decode

    async def report(self, scope: Scope) -> ExposureReport:
        where = _where(scope)
        rows = await self._reader.rows(RUNS.format(where=where), where.parameters)
        runs = await apart(lambda: [self._run(doc) for doc, *_ in rows])
        certificates = await apart(lambda: {key: self._certificate(doc) for _, key, doc in rows if key is not None})
        connectors = await self._connectors({watch.connector_id for run in runs for watch in run.watches})
        return await apart(lambda: report(runs, certificates, connectors, scope))

    async def _connectors(self, ids: Iterable[UUID]) -> dict[UUID, ConnectorRecord]:
        rows = await self._reader.rows(CONNECTORS, [many(Type.UUID, ids)])
        return await apart(lambda: {key: self._connector(doc) for key, doc in rows})


def _where(scope: Scope) -> Where:
    """An end that came after the position was not known then."""
    end = scope.now if scope.until is None else min(scope.until, scope.now)
    where = Where().add("e.from_position <= %b::bigint", scope.position)
    where.add("e.from_at < %b::timestamptz", end)
    where.add("e.kind = 'wrong' OR c.revoked OR c.not_after < %b::timestamptz", end)
    if scope.since is not None:
        known_end = "e.until_at IS NULL OR e.until_at > %b::timestamptz OR e.until_position > %b::bigint"
        where.add(known_end, scope.since, scope.position)
    return where
