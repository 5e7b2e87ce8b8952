"""When CAs suggest to renew (ARI, RFC 9773), and where that is kept until they are asked again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from domain.suggested_window import SuggestedWindow


class Suggestion(NamedTuple):
    """What a CA said: a window, or None where it makes no suggestions. It is asked again at `again_at`; `failures`: how
    often it has not answered since.
    """

    window: SuggestedWindow | None
    again_at: datetime
    failures: int = 0


class Suggestions(Protocol):
    """What CAs said last. No history: that a certificate was renewed is an event, with the window it followed."""

    async def known(self, certificate_ids: Sequence[UUID]) -> dict[UUID, Suggestion]:
        """Of those whose CA was asked."""
        ...

    async def keep(self, certificate_id: UUID, suggestion: Suggestion) -> None:
        """This is what counts from now on."""
        ...
