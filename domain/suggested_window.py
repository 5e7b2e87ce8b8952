"""When a CA suggests to renew a certificate (ARI, RFC 9773, 4.2)."""

from datetime import datetime
from uuid import UUID

import msgspec

_PARTS = 1 << 32


class SuggestedWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From `start` to `end`; `explanation_url`: where the CA says why, for people."""

    start: datetime
    end: datetime
    explanation_url: str | None = None

    def chosen(self, certificate_id: UUID) -> datetime:
        """The certificate's own instant within it. Ids are digests: over many certificates these are spread evenly, and
        asking again about one does not draw again.
        """
        return self.start + (self.end - self.start) * (int.from_bytes(certificate_id.bytes[:4]) / _PARTS)
