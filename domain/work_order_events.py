"""What can happen to a work order. Every decision carries the digest of what was decided on."""

from datetime import datetime
from uuid import UUID

from domain.approval import ApprovalPolicy
from domain.entity import Event
from domain.personal import WrittenText
from domain.push_states import SupersededReason


class PushRequested(Event, frozen=True, kw_only=True):
    """OK on Push to Device. `policy` and `digest` are frozen here; so is the standing approval that it runs under."""

    topic = "work_order.push.requested"
    ordinal: int
    request_id: UUID
    connector_id: UUID
    certificate_id: UUID
    target_system_id: UUID
    policy: ApprovalPolicy
    digest: str
    comment: WrittenText | None = None
    standing_approval_id: UUID | None = None
    standing_approval_digest: str | None = None


class PushApproved(Event, frozen=True, kw_only=True):
    """One yes at one level; the choice of time is a proposal."""

    topic = "work_order.push.approved"
    level: int
    digest: str
    comment: WrittenText | None = None
    manual_implementation: bool = True
    scheduled_at: datetime | None = None


class PushRejected(Event, frozen=True, kw_only=True):
    """One no; it ends the work order."""

    topic = "work_order.push.rejected"
    level: int
    comment: WrittenText | None = None


class PushScheduled(Event, frozen=True, kw_only=True):
    """Implement with Manual Implementation off: the push starts by itself at `scheduled_at`."""

    topic = "work_order.push.scheduled"
    level: int
    digest: str
    scheduled_at: datetime
    comment: WrittenText | None = None


class PushRescheduled(Event, frozen=True, kw_only=True):
    """Another time for a scheduled push."""

    topic = "work_order.push.rescheduled"
    scheduled_at: datetime
    comment: WrittenText | None = None


class PushImplemented(Event, frozen=True, kw_only=True):
    """The push starts: by a person, or by itself at its set time (`scheduled`), or by policy (level 0)."""

    topic = "work_order.push.implemented"
    level: int
    digest: str
    comment: WrittenText | None = None
    manual_implementation: bool = True
    scheduled: bool = False


class PushRetried(Event, frozen=True, kw_only=True):
    """A new attempt after a failure."""

    topic = "work_order.push.retried"
    attempt: int
    comment: WrittenText | None = None


class PushCancelled(Event, frozen=True, kw_only=True):
    """The requester took it back."""

    topic = "work_order.push.cancelled"
    comment: WrittenText | None = None


class PushExpired(Event, frozen=True, kw_only=True):
    """Nobody acted in time."""

    topic = "work_order.push.expired"


class PushSuperseded(Event, frozen=True, kw_only=True):
    """Its ground is gone: the digest changed, the connector was removed, the certificate revoked or renewed."""

    topic = "work_order.push.superseded"
    reason: SupersededReason


class PushCompleted(Event, frozen=True, kw_only=True):
    """The bridge confirmed the deployment."""

    topic = "work_order.push.completed"
    deployment_id: UUID


class PushFailed(Event, frozen=True, kw_only=True):
    """The deployment failed."""

    topic = "work_order.push.failed"
    deployment_id: UUID
    cause: str
    message: str
