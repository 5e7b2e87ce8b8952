"""Reads and denied attempts as events: appended at the end of the subject's access log."""

from uuid import UUID

import msgspec

from application.house import Context, House, append, load, record_refusal
from application.ports import Change
from application.reaching import of_certificate
from domain import ids
from domain.access import AccessDenied, AuditExported, AuditLogRead, CertificateDownloaded, CertificateViewed
from domain.certificate import CERTIFICATE
from domain.errors import Refused
from domain.subjects import subject_of


async def record_view(house: House, context: Context, certificate_id: UUID) -> None:
    """Certificate detail page opened: once per actor, certificate and minute, whatever the number of processes."""
    minute = int(context.at.timestamp() // 60)
    once = msgspec.structs.replace(context, command_id=ids.derive("view", context.actor.id, certificate_id, minute))
    event = CertificateViewed(meta=context.meta, certificate_id=certificate_id)
    change = Change(stream_id=ids.access_log_id(certificate_id), expected_version=None, events=(event,))
    await append(house, once, change)


async def record_audit_read(house: House, context: Context, query: str, *, alike: str | None = None) -> None:
    """Somebody read the audit log with this filter: once per actor, filter and minute, so that whoever follows it does
    not follow themselves. `alike`: what counts as one filter, where it is not the query itself.
    """
    minute = int(context.at.timestamp() // 60)
    once = ids.derive("audit-read", context.actor.id, minute, query if alike is None else alike)
    context = msgspec.structs.replace(context, command_id=once)
    change = Change(
        stream_id=ids.access_log_id(ids.derive("caller", context.actor.id)),
        expected_version=None,
        events=(AuditLogRead(meta=context.meta, query=await _asked(house, context, query)),),
    )
    await append(house, context, change)


async def record_export(
    house: House,
    context: Context,
    form: str,
    query: str,
    *,
    from_position: int = 1,
    to_position: int | None = None,
    subject_id: UUID | None = None,
    events: int | None = None,
    tree_size: int | None = None,
    archive_sha256: str | None = None,
) -> int:
    """Events are taken away as a file (AuditExported says what each argument means); to be recorded before the first
    byte leaves. The position.
    """
    event = AuditExported(
        meta=context.meta,
        format=form,
        query=await _asked(house, context, query),
        from_position=from_position,
        to_position=to_position,
        subject_id=subject_id,
        events=events,
        tree_size=tree_size,
        archive_sha256=archive_sha256,
    )
    stream_id = ids.access_log_id(ids.derive("caller", context.actor.id))
    return (
        await append(house, context, Change(stream_id=stream_id, expected_version=None, events=(event,)))
    ).last_position


async def record_download(house: House, context: Context, certificate_id: UUID, form: str) -> int:
    """PEM certificate downloaded, by whoever may; returns the position. Raises Refused(outside-scope)."""
    if context.scoped:
        known = await load(house, CERTIFICATE, certificate_id)
        try:
            context = context.concerning(of_certificate(known.found))
        except Refused as refused:
            await record_refusal(house, context, refused, subject_id=certificate_id, action="certificate.download")
            raise
    event = CertificateDownloaded(meta=context.meta, certificate_id=certificate_id, format=form)
    change = Change(stream_id=ids.access_log_id(certificate_id), expected_version=None, events=(event,))
    return (await append(house, context, change)).last_position


async def record_denied(
    house: House,
    context: Context,
    *,
    subject_id: UUID | None,
    method: str,
    route: str,
    code: str,
    detail: str,
    times: int = 1,
) -> int:
    """A caller asked for what they may not have, so many times; returns the position."""
    event = AccessDenied(
        meta=context.meta, subject_id=subject_id, method=method, route=route, code=code, detail=detail, times=times
    )
    stream_id = ids.access_log_id(subject_id or ids.derive("caller", context.actor.id))
    change = Change(stream_id=stream_id, expected_version=None, events=(event,))
    return (await append(house, context, change)).last_position


async def _asked(house: House, context: Context, query: str) -> str:
    """A filter is written by somebody, too: it may name people."""
    subject = subject_of(context.actor)
    if subject is None or not query:
        return query
    return await house.texts.seal(subject, "text", query)
