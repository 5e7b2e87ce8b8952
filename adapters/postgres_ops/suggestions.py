"""`application.renewal_ports.Suggestions` on the table `ops.renewal_suggestions`."""

from collections.abc import Sequence
from uuid import UUID

from adapters.postgres_ops.database import OpsDatabase
from application.renewal_ports import Suggestion
from domain.suggested_window import SuggestedWindow

_KNOWN = """
SELECT certificate_id, starts_at, ends_at, explanation_url, again_at, failures
FROM ops.renewal_suggestions WHERE certificate_id = ANY (%s::uuid[])
"""
_KEEP = """
INSERT INTO ops.renewal_suggestions (certificate_id, starts_at, ends_at, explanation_url, again_at, failures)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (certificate_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    explanation_url = excluded.explanation_url, again_at = excluded.again_at, failures = excluded.failures
"""


class PostgresSuggestions:
    """What all workers know."""

    def __init__(self, database: OpsDatabase) -> None:
        self._database = database

    async def known(self, certificate_ids: Sequence[UUID]) -> dict[UUID, Suggestion]:
        """See Suggestions.known."""
        if not certificate_ids:
            return {}
        rows = await self._database.rows(_KNOWN, (list(certificate_ids),))
        return {
            certificate_id: Suggestion(
                SuggestedWindow(start=start, end=end, explanation_url=url) if start is not None else None, *more
            )
            for certificate_id, start, end, url, *more in rows
        }

    async def keep(self, certificate_id: UUID, suggestion: Suggestion) -> None:
        """See Suggestions.keep."""
        window = suggestion.window
        said = (window.start, window.end, window.explanation_url) if window is not None else (None, None, None)
        await self._database.rows(_KEEP, (certificate_id, *said, suggestion.again_at, suggestion.failures))
