"""Reads and refusals as events, in a stream of their own per subject (domain page, "AccessLog").

They are appended at the end of `ids.access_log_id(subject)`, whatever its version: nobody can make somebody else's
ETag stale by reading or by failing.
"""

from uuid import UUID

import msgspec

from domain.entity import AggregateType, Event
from domain.personal import WrittenText


class CertificateViewed(Event, frozen=True, kw_only=True):
    """Certificate detail page opened."""

    topic = "certificate.view.accessed"
    certificate_id: UUID


class CertificateDownloaded(Event, frozen=True, kw_only=True):
    """PEM certificate downloaded."""

    topic = "certificate.download.success"
    certificate_id: UUID
    format: str


class PfxDownloaded(Event, frozen=True, kw_only=True):
    """PFX file downloaded: certificate, issuers and private key. Recorded before the first byte leaves."""

    topic = "certificate.download_pfx.success"
    certificate_id: UUID
    export_id: UUID


class AuditLogRead(Event, frozen=True, kw_only=True):
    """Somebody read the audit log; `query` is the filter that was asked for."""

    topic = "audit.log.read"
    query: WrittenText


class AuditExported(Event, frozen=True, kw_only=True):
    """Somebody takes events away as a file. `query` is the filter that was asked for; `from_position` to `to_position`
    (both inclusive) is what the file covers, up to this event itself where there is no `to_position`; `subject_id` is
    what the file is about, where it is about one thing. Of evidence that proves itself: how many `events`, in a ledger
    of which `tree_size`, and the `archive_sha256` of the whole file.
    """

    topic = "audit.export.created"
    format: str
    query: WrittenText = ""
    from_position: int = 1
    to_position: int | None = None
    subject_id: UUID | None = None
    events: int | None = None
    tree_size: int | None = None
    archive_sha256: str | None = None


class AccessDenied(Event, frozen=True, kw_only=True):
    """A known caller asked for what they may not have. What nobody vouches for (no valid credentials, and all that a
    bridge may not do) is counted per source and minute: `times`, and the method and route of the first one.
    """

    topic = "access.denied"
    subject_id: UUID | None = None
    method: str
    route: str
    code: str
    detail: str
    times: int = 1


class PushRefused(Event, frozen=True, kw_only=True):
    """A push, an approval or another step of a work order was refused."""

    topic = "work_order.push.refused"
    subject_id: UUID
    action: str
    code: str
    detail: str


class CommandRefused(Event, frozen=True, kw_only=True):
    """Any other command that a rule of the domain refused."""

    topic = "command.refused"
    subject_id: UUID
    action: str
    code: str
    detail: str


class AccessLog(msgspec.Struct, frozen=True):
    """How often the subject was read or refused."""

    entries: int = 0


def _count(state: AccessLog | None, _: Event) -> AccessLog:
    return AccessLog(entries=(state.entries if state else 0) + 1)


ACCESS_LOG: AggregateType[AccessLog] = AggregateType(
    name="access_log",
    table=dict.fromkeys(
        (
            CertificateViewed,
            CertificateDownloaded,
            PfxDownloaded,
            AuditLogRead,
            AuditExported,
            AccessDenied,
            PushRefused,
            CommandRefused,
        ),
        _count,
    ),
)
