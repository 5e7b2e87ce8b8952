"""What the API processes of an ACME server share: used nonces, and how often something was done."""

from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase

_SPEND = "INSERT INTO ops.acme_spent_nonces (nonce) VALUES (%s) ON CONFLICT DO NOTHING RETURNING true"
_TAKE = """
INSERT INTO ops.acme_rates AS r (subject_id, kind, began_at, times) VALUES (%(subject)s, %(kind)s, now(), 1)
ON CONFLICT (subject_id, kind) DO UPDATE SET
    began_at = CASE WHEN r.began_at > now() - make_interval(secs => %(seconds)s) THEN r.began_at ELSE now() END,
    times = CASE WHEN r.began_at > now() - make_interval(secs => %(seconds)s) THEN r.times + 1 ELSE 1 END
RETURNING times, ceil(extract(epoch FROM began_at - now()) + %(seconds)s)::int
"""


class AcmeSpentNonces:
    """`application.acme_ports.SpentNonces`."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def spend(self, nonce: bytes) -> bool:
        """See SpentNonces.spend."""
        return bool(await self._database.rows(_SPEND, (nonce,)))


class AcmeRates:
    """`application.acme_ports.Rates`, in windows of fixed length."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def take(self, subject_id: UUID, kind: str, most: int, seconds: int) -> int | None:
        """See Rates.take."""
        values = {"subject": subject_id, "kind": kind, "seconds": seconds}
        [(times, left)] = await self._database.rows(_TAKE, values)
        return None if times <= most else max(left, 1)
