"""Runs of observations: from the event that saw something first to the event that saw it no longer.

Verification results are events only when they change, so between the two ends of a run every look saw the same.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.connector_events import ValidationState

WRONG = (
    ValidationState.MISMATCH_PREVIOUS,
    ValidationState.MISMATCH_KNOWN,
    ValidationState.MISMATCH_UNKNOWN,
)
ANOTHER_CERTIFICATE = "another_certificate"
MATCHED_AGAIN = "matched"
ASSOCIATED_AGAIN = "associated_again"


class RunKind(StrEnum):
    """What lasted: a certificate was seen at a place, whoever looked; or a connector's place showed a wrong one."""

    SERVED = "served"
    WRONG = "wrong"


class Watch(NamedTuple):
    """From `position` on, this connector looked at the place and saw the run's certificate."""

    position: int
    connector_id: UUID


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run. `connector_id`, `target_system_id` and `expected_fingerprint_sha256` are those of its first observation.

    `until_position` and `until_at` are None while it lasts. `ended_by`: the state that followed, or why nobody looks.
    """

    kind: RunKind
    endpoint: str
    server_name: str | None = None
    connector_id: UUID
    target_system_id: UUID
    state: ValidationState
    served_fingerprint_sha256: str
    expected_fingerprint_sha256: str
    from_position: int
    from_at: datetime
    until_position: int | None = None
    until_at: datetime | None = None
    ended_by: str | None = None
    watches: tuple[Watch, ...]

    def known(self, position: int) -> "Run":
        """As it was at a position, which is not before its beginning."""
        kept = tuple(watch for watch in self.watches if watch.position <= position)
        if self.until_position is None or self.until_position <= position:
            return msgspec.structs.replace(self, watches=kept)
        return msgspec.structs.replace(self, watches=kept, until_position=None, until_at=None, ended_by=None)
