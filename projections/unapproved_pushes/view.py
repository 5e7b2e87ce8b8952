"""Pushes without a fresh approval: which ran, and on which earlier approval of the same content do they rest?"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from projections.scope import Scope


class Ground(StrEnum):
    """Why a push needed no approval of its own.

    `standing_approval`: two people had agreed on it in advance. `redeploy`: the same content was approved and installed
    on this connector before. `zero_levels`: the policy asks nobody, and no approval of the same content stands behind
    it.
    """

    STANDING_APPROVAL = "standing_approval"
    REDEPLOY = "redeploy"
    ZERO_LEVELS = "zero_levels"


class EarlierAct(msgspec.Struct, frozen=True, kw_only=True):
    """One yes to the earlier push; the last level is its implementation."""

    level: int | None
    person_id: str
    at: datetime
    position: int


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """The last earlier push on the connector that was approved and installed, of the same content where there is one.

    `settings_unchanged`: its digest is the later push's, so certificate, connector, endpoints and the target's settings
    are the same. `age_seconds`: from the last of its approvals until the later push was started.
    """

    work_order_id: UUID
    digest: str
    settings_unchanged: bool
    approvals: tuple[EarlierAct, ...]
    completed_at: datetime
    completed_position: int
    age_seconds: float


class UnapprovedPush(msgspec.Struct, frozen=True, kw_only=True):
    """A push that ran without a fresh approval; `rests_on` null: nothing was ever approved on its connector."""

    work_order_id: UUID
    request_id: UUID
    certificate_id: UUID
    connector_id: UUID
    target_system_id: UUID
    ground: Ground
    policy_id: UUID
    policy_version: int
    policy_name: str
    requested_by: str
    requested_at: datetime
    started_at: datetime
    digest: str
    standing_approval_id: UUID | None
    standing_approval_digest: str | None
    rests_on: Rest | None
    positions: tuple[int, ...]


class GroundCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many pushes had a ground, and the positions of their requests."""

    ground: Ground
    pushes: int
    positions: tuple[int, ...]


class UnapprovedPushes(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The report of a window; `from` inclusive, `to` exclusive, by the request's time.

    `ran`: all pushes of the window that were started, with or without approval. `without_ground`: those of ground
    `zero_levels`. `oldest_seconds`: the greatest age of an approval of the same content.
    """

    report: str = "unapproved-pushes"
    since: datetime | None
    until: datetime | None
    as_of: datetime
    as_of_position: int
    ran: int
    unapproved: int
    without_ground: int
    oldest_seconds: float | None
    grounds: tuple[GroundCount, ...]
    items: tuple[UnapprovedPush, ...]


class UnapprovedReports(Protocol):
    """The one question."""

    async def report(self, scope: Scope) -> UnapprovedPushes:
        """The report of a scope."""
        ...
