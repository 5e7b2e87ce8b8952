"""Notification channels as forms name them: by their names, which are unique, or by their ids."""

from collections.abc import Iterable
from uuid import UUID

from api.services import Views
from domain.errors import Code, Refused
from domain.notification_channel import ChannelKind
from projections.notification_channels.view import NotificationChannelFilter

HINT = "The name or the id of a notification channel."


async def channel_lines(views: Views, ids: Iterable[UUID]) -> list[str]:
    """Channels as a form shows them."""
    found = [(each, await views.notification_channels.get(each)) for each in ids]
    return [str(each) if row is None or row.state.retired else row.state.terms.name for each, row in found]


async def channel_id(views: Views, kind: ChannelKind, line: str, pointer: str) -> str:
    """The id that a line of a form stands for. Raises Refused at the pointer."""
    try:
        return str(UUID(line))
    except ValueError:
        narrow = NotificationChannelFilter(q=line, kind=(kind.value,), retired=False)
    async for rows in views.notification_channels.stream(narrow):
        for row in rows:
            if row.state.terms.name.casefold() == line.casefold():
                return str(row.id)
    raise Refused(Code.VALIDATION_FAILED, f"There is no {kind} channel named {line}.", pointer=pointer)
