"""Refusals that an auditor looks for: somebody tried what four eyes, a changed digest or a missing role stopped."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.entity import Actor


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One refusal. `code` is the problem's; `times`: how often within one record."""

    position: int
    at: datetime
    actor: Actor
    credential: str | None = None
    subject_id: UUID | None = None
    action: str
    code: str
    detail: str
    times: int = 1
