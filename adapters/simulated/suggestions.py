"""`application.renewal_ports.Suggestions` in memory."""

from collections.abc import Sequence
from uuid import UUID

from application.renewal_ports import Suggestion


class MemorySuggestions:
    """What was kept."""

    def __init__(self) -> None:
        self._known: dict[UUID, Suggestion] = {}

    async def known(self, certificate_ids: Sequence[UUID]) -> dict[UUID, Suggestion]:
        """See Suggestions.known."""
        return {each: self._known[each] for each in certificate_ids if each in self._known}

    async def keep(self, certificate_id: UUID, suggestion: Suggestion) -> None:
        """See Suggestions.keep."""
        self._known[certificate_id] = suggestion
