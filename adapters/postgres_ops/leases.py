"""Leases in PostgreSQL. Time is the database's: bridges and processes with wrong clocks cannot prolong anything."""

from collections.abc import Sequence
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase
from application.ports import Lease

# The fence is drawn under the row's lock, so a later grant on the target always has the higher one.
_TAKE = """
WITH taken AS (
    INSERT INTO ops.target_leases AS l (target_system_id, assignment_id, bridge_id, fence, expires_at)
    VALUES (%(target)s, %(assignment)s, %(bridge)s, nextval('ops.fences'),
            clock_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (target_system_id) DO UPDATE
        SET assignment_id = EXCLUDED.assignment_id, bridge_id = EXCLUDED.bridge_id, fence = nextval('ops.fences'),
            expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
        WHERE l.expires_at <= clock_timestamp()
    RETURNING fence
)
INSERT INTO ops.assignments AS a (assignment_id, kind, subject_id, target_system_id, bridge_id, fence, granted_at)
SELECT %(assignment)s, %(kind)s, %(subject)s, %(target)s, %(bridge)s, fence, clock_timestamp() FROM taken
ON CONFLICT (assignment_id) DO UPDATE
    SET kind = EXCLUDED.kind, subject_id = EXCLUDED.subject_id, target_system_id = EXCLUDED.target_system_id,
        bridge_id = EXCLUDED.bridge_id, fence = EXCLUDED.fence, granted_at = EXCLUDED.granted_at
RETURNING fence
"""
_EXTEND = """
UPDATE ops.target_leases l SET expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM unnest(%(assignments)s::uuid[], %(fences)s::bigint[]) h(assignment_id, fence)
WHERE l.assignment_id = h.assignment_id AND l.fence = h.fence AND l.bridge_id = %(bridge)s
  AND l.expires_at > clock_timestamp()
RETURNING l.assignment_id
"""
_RELEASE = "DELETE FROM ops.target_leases WHERE assignment_id = %s AND fence = %s"
_FREE = "DELETE FROM ops.target_leases WHERE bridge_id = %s"
_FIND = """
SELECT assignment_id, kind, subject_id, target_system_id, bridge_id, fence FROM ops.assignments WHERE assignment_id = %s
"""
_ALIVE = "SELECT true FROM ops.target_leases WHERE assignment_id = %s AND expires_at > clock_timestamp()"
_HELD = """
SELECT a.assignment_id, a.kind, a.subject_id, a.target_system_id, a.bridge_id, a.fence
FROM ops.target_leases l JOIN ops.assignments a USING (assignment_id, fence)
WHERE l.bridge_id = %s AND l.expires_at > clock_timestamp() ORDER BY l.fence
"""


class PostgresLeases:
    """application.ports.Leases."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def take(
        self, assignment_id: UUID, kind: str, subject_id: UUID, target_system_id: UUID, bridge_id: UUID, seconds: float
    ) -> int | None:
        """See Leases.take."""
        parameters = {
            "assignment": assignment_id,
            "kind": kind,
            "subject": subject_id,
            "target": target_system_id,
            "bridge": bridge_id,
            "seconds": seconds,
        }
        rows = await self._database.rows(_TAKE, parameters)
        return int(rows[0][0]) if rows else None

    async def extend(self, bridge_id: UUID, holding: Sequence[tuple[UUID, int]], seconds: float) -> list[UUID]:
        """See Leases.extend."""
        if not holding:
            return []
        assignments, fences = zip(*holding, strict=True)
        parameters = {
            "bridge": bridge_id,
            "assignments": list(assignments),
            "fences": list(fences),
            "seconds": seconds,
        }
        kept = {row[0] for row in await self._database.rows(_EXTEND, parameters)}
        return [assignment for assignment in assignments if assignment not in kept]

    async def release(self, assignment_id: UUID, fence: int) -> None:
        """See Leases.release."""
        await self._database.rows(_RELEASE, (assignment_id, fence))

    async def free(self, bridge_id: UUID) -> None:
        """See Leases.free."""
        await self._database.rows(_FREE, (bridge_id,))

    async def find(self, assignment_id: UUID) -> Lease | None:
        """See Leases.find."""
        rows = await self._database.rows(_FIND, (assignment_id,))
        return Lease(*rows[0]) if rows else None

    async def alive(self, assignment_id: UUID) -> bool:
        """See Leases.alive."""
        return bool(await self._database.rows(_ALIVE, (assignment_id,)))

    async def held(self, bridge_id: UUID) -> list[Lease]:
        """See Leases.held."""
        return [Lease(*row) for row in await self._database.rows(_HELD, (bridge_id,))]
