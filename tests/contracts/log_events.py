"""Small commands for tests of the log."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID, uuid4

from application.ports import Append, Change
from domain.access import AccessDenied, AuditLogRead
from domain.entity import Actor, ActorKind, Event, Meta

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def meta(who: str) -> Meta:
    """The circumstances of a test's event."""
    return Meta(actor=Actor(kind=ActorKind.USER, id=who), at=AT, correlation_id=UUID(int=7))


def read_by(who: str) -> Event:
    """An event by somebody."""
    return AuditLogRead(meta=meta(who), query="type=certificate.*")


def denied(detail: str) -> Event:
    """An event with a text that came from outside."""
    return AccessDenied(meta=meta("eve"), method="GET", route="/", code="forbidden", detail=detail)


def writing(stream_id: UUID, expected_version: int | None, *events: Event) -> Change:
    """A change of one stream."""
    return Change(stream_id=stream_id, expected_version=expected_version, events=events)


def command(*changes: Change, answer: bytes | None = None) -> Append:
    """A command with a fresh id."""
    command_id = uuid4()
    body = hashlib.sha256(command_id.bytes).digest()
    return Append(command_id=command_id, body_sha256=body, changes=changes, answer=answer)
