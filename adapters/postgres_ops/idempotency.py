"""Finished answers to commands with an Idempotency-Key."""

from typing import NamedTuple
from uuid import UUID

import msgspec

from adapters.postgres_ops.database import OpsDatabase

# Ours when nobody has it, or when whoever had it seems to have died before the answer. Should that one go on all the
# same, the ledger still takes the command once: both come with the same command id.
_CLAIM = """
INSERT INTO ops.idempotency AS i (command_id, body_sha256) VALUES (%s, %s)
ON CONFLICT (command_id) DO UPDATE SET claimed_at = now()
    WHERE i.status IS NULL AND i.body_sha256 = EXCLUDED.body_sha256 AND i.claimed_at < now() - interval '10 seconds'
RETURNING true
"""
_KNOWN = "SELECT body_sha256, status, headers, body FROM ops.idempotency WHERE command_id = %s"
_FINISH = "UPDATE ops.idempotency SET status = %s, headers = %s, body = %s WHERE command_id = %s"
_ABANDON = "DELETE FROM ops.idempotency WHERE command_id = %s AND status IS NULL"


class KeptAnswer(NamedTuple):
    """Status, headers and body of an answer; `body` None: it is not kept."""

    status: int
    headers: dict[str, str]
    body: bytes | None


class KnownCommand(NamedTuple):
    """What stands under a command id: the body it was claimed with, and the answer (None: in progress)."""

    body_sha256: bytes
    answer: KeptAnswer | None


class PostgresIdempotency:
    """What `api.services.IdempotencyStore` asks for, in types of this room."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def claim(self, command_id: UUID, body_sha256: bytes) -> KnownCommand | None:
        """Claim a command id: None when it is ours now."""
        while True:
            if await self._database.rows(_CLAIM, (command_id, body_sha256)):
                return None
            for body, status, headers, answer in await self._database.rows(_KNOWN, (command_id,)):
                if status is None:
                    return KnownCommand(body, None)
                return KnownCommand(body, KeptAnswer(status, msgspec.json.decode(headers, type=dict[str, str]), answer))
            # It was given back in between: claim again.

    async def finish(self, command_id: UUID, status: int, headers: dict[str, str], body: bytes | None) -> None:
        """Keep the answer of a claimed command."""
        await self._database.rows(_FINISH, (status, msgspec.json.encode(headers), body, command_id))

    async def abandon(self, command_id: UUID) -> None:
        """Give a claim back that has no answer yet."""
        await self._database.rows(_ABANDON, (command_id,))
