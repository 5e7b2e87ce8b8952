"""What a delivered report says: to people by mail, with its files; to programs as data, with their contents."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from application.notification_ports import Attachment, Message
from application.report_ports import ReportFile
from domain.report_delivery import ReportDeliveryStarted
from domain.report_schedule import ReportSchedule
from domain.texts import verbatim

LONGEST_MAIL = 10 * 1024 * 1024
"""Bytes of files that go with a mail; beyond them, and beyond `LONGEST_DATA` in a webhook's message, links do."""
LONGEST_DATA = 1024 * 1024


def message_of(
    url: str,
    schedule: ReportSchedule,
    event: ReportDeliveryStarted,
    position: int,
    files: tuple[ReportFile, ...],
    *,
    delivery_id: UUID,
    message_id: UUID,
    to: tuple[str, ...],
    is_mail: bool,
) -> Message:
    """The message of one recipient."""
    size = sum(len(file.content) for file in files)
    name, title = verbatim(schedule.terms.name), event.report.value.replace("-", " ").capitalize()
    return Message(
        id=message_id,
        at=event.meta.at,
        subject=f"[certferry] {title}: {name}",
        lines=tuple(_lines(url, name, title, event, position, files, with_files=size <= LONGEST_MAIL)),
        link=f"{url}/report-schedules/{event.report_schedule_id}" if url else None,
        topic="report_schedule.delivery",
        about=event.report_schedule_id,
        data={} if is_mail else _data(url, name, event, position, files, delivery_id, with_files=size <= LONGEST_DATA),
        to=to,
        attachments=_attachments(files) if is_mail and size <= LONGEST_MAIL else (),
    )


def _attachments(files: tuple[ReportFile, ...]) -> tuple[Attachment, ...]:
    return tuple(Attachment(file.name, file.media_type, file.content) for file in files)


def _lines(
    url: str,
    name: str,
    title: str,
    event: ReportDeliveryStarted,
    position: int,
    files: tuple[ReportFile, ...],
    *,
    with_files: bool,
) -> Iterator[tuple[str, str]]:
    yield "Schedule", name
    yield "Report", title
    if event.until is not None:
        yield "Window", f"{_words(event.since)} to {_words(event.until)}"
    yield "as_of_position", str(position)
    for file in files:
        told = file.told
        yield f"File{'' if with_files else ' (too large to be attached)'}", f"{told.name}, {told.size} bytes"
        yield "SHA-256", told.sha256
        yield "The same bytes, for ever", f"{url}{file.address}"


def _data(
    url: str,
    name: str,
    event: ReportDeliveryStarted,
    position: int,
    files: tuple[ReportFile, ...],
    delivery_id: UUID,
    *,
    with_files: bool,
) -> dict[str, Any]:
    return {
        "report_schedule_id": str(event.report_schedule_id),
        "delivery_id": str(delivery_id),
        "name": name,
        "report": event.report.value,
        "since": _instant(event.since),
        "until": _instant(event.until),
        "as_of_position": position,
        "files": [_file(url, file, with_files=with_files) for file in files],
    }


def _file(url: str, file: ReportFile, *, with_files: bool) -> dict[str, Any]:
    """`content` null: it is too large for a message, `url` has it."""
    told = file.told
    return {
        "name": told.name,
        "media_type": told.media_type,
        "size": told.size,
        "sha256": told.sha256,
        "url": f"{url}{file.address}",
        "content": file.content.decode() if with_files else None,
    }


def _words(at: datetime | None) -> str:
    return "the beginning" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
