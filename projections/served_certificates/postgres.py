"""What was served before, in SQL."""

from collections.abc import Sequence

from projections.columns import Type
from projections.reading.postgres import Reader
from projections.reading.queries import many
from projections.served_certificates.view import Place

# Certificates first seen at a place before the last deployment there; deployed ones by their certificate's fingerprint.
SERVED_BEFORE = """
SELECT s.endpoint, s.server_name, coalesce(i.fingerprint, s.seen)
FROM unnest(%b::text[], %b::text[]) AS wanted (endpoint, server_name)
JOIN read.served_deployed d ON d.endpoint = wanted.endpoint AND d.server_name = wanted.server_name
JOIN read.served_seen s ON s.endpoint = d.endpoint AND s.server_name = d.server_name AND s.first_position < d.position
LEFT JOIN read.inventory i ON i.id = s.certificate_id
WHERE s.certificate_id IS NULL OR i.fingerprint IS NOT NULL
"""


class PostgresServedCertificates:
    """projections.served_certificates.view.ServedCertificates."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def served_before(self, places: Sequence[Place]) -> dict[Place, set[str]]:
        endpoints = many(Type.TEXT, (endpoint for endpoint, _ in places))
        names = many(Type.TEXT, (name or "" for _, name in places))
        found: dict[Place, set[str]] = {}
        for endpoint, name, fingerprint in await self._reader.rows(SERVED_BEFORE, [endpoints, names]):
            found.setdefault((endpoint, name or None), set()).add(fingerprint)
        return found
