"""Notifications in memory: the log of them, and a messenger that keeps what it is given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from application.notification_ports import Message, Notification, Sent
from application.webhook_ports import DeliveryStatus
from domain.notification_channel import ChannelKind


class SimulatedNotifications:
    """application.notification_ports.Notifications."""

    def __init__(self) -> None:
        self._kept: dict[UUID, Notification] = {}

    async def add(self, wanted: Sequence[Notification]) -> None:
        for each in wanted:
            self._kept.setdefault(each.id, each)

    async def of_position(self, position: int) -> Sequence[Notification]:
        return [each for each in self._kept.values() if each.position == position]

    async def claim(self, notification: Notification, at: datetime) -> bool:
        known = self._kept[notification.id]
        if known != notification or known.status is not DeliveryStatus.PENDING:
            return False
        begun = {"attempts": known.attempts + 1, "last_attempt_at": at, "next_attempt_at": None, "error": None}
        self._kept[notification.id] = msgspec.structs.replace(known, **begun)
        return True

    async def record(self, notification: Notification) -> None:
        self._kept[notification.id] = notification

    async def get(self, notification_id: UUID) -> Notification | None:
        return self._kept.get(notification_id)

    async def list(
        self, channel_id: UUID, *, status: Sequence[DeliveryStatus] = (), before: int | None = None, limit: int = 50
    ) -> Sequence[tuple[int, Notification]]:
        numbered = [
            (number, each)
            for number, each in enumerate(self._kept.values(), 1)
            if each.channel_id == channel_id and (not status or each.status in status)
        ]
        return [(number, each) for number, each in reversed(numbered) if before is None or number < before][:limit]


class SimulatedMessenger:
    """application.notification_ports.Messenger. `answers`: how the next attempts end, then always the last one."""

    def __init__(self) -> None:
        self.answers: list[Sent] = [Sent(status_code=250)]
        self.sent: list[tuple[dict[str, Any], dict[str, str], Message]] = []

    async def send(
        self,
        kind: ChannelKind,  # noqa: ARG002 - every kind alike
        settings: dict[str, Any],
        secrets: dict[str, str],
        message: Message,
    ) -> Sent:
        self.sent.append((settings, secrets, message))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
