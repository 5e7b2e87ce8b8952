"""Answers to http-01 challenges of CAs: written by workers, shown by every API process."""

from adapters.postgres_ops.database import OpsDatabase

_SHOW = """
INSERT INTO ops.acme_challenges AS c (token, key_authorization) VALUES (%s, %s)
ON CONFLICT (token) DO UPDATE SET key_authorization = EXCLUDED.key_authorization, shown_at = now()
"""
_HIDE = "DELETE FROM ops.acme_challenges WHERE token = %s"
_SHOWN = "SELECT key_authorization FROM ops.acme_challenges WHERE token = %s"


class AcmeChallenges:
    """`adapters.issuers.acme.http_solvers.ShownTokens`, and the question of the API."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def show(self, token: str, value: str) -> None:
        """See ShownTokens.show."""
        await self._database.rows(_SHOW, (token, value))

    async def hide(self, token: str) -> None:
        """See ShownTokens.hide."""
        await self._database.rows(_HIDE, (token,))

    async def shown(self, token: str) -> str | None:
        """What is shown under a token, or None."""
        rows = await self._database.rows(_SHOWN, (token,))
        return rows[0][0] if rows else None
