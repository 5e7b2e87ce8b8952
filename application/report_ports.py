"""Reports as files: what those who send them ask of those who write them."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from domain.report_delivery import SentFile
from domain.report_schedule import ReportFormat, ReportName

Filter = Mapping[str, tuple[str, ...]]


FilterCheck = Callable[[ReportName, Filter], None]
"""Raises Refused(validation-failed) where a report has no such parameter, or no such value of it."""


class ReportWanted(NamedTuple):
    """A report as of a position, about a window where it has one."""

    report: ReportName
    filter: Filter
    since: datetime | None
    until: datetime | None
    position: int


class ReportFile(NamedTuple):
    """A report in one of its forms: UTF-8, the bytes that its `address` (a path) answers with, too."""

    name: str
    media_type: str
    content: bytes
    address: str

    @property
    def told(self) -> SentFile:
        """What events say of it."""
        digest = hashlib.sha256(self.content).hexdigest()
        return SentFile(name=self.name, media_type=self.media_type, size=len(self.content), sha256=digest)


class ReportWriter(Protocol):
    """Writes reports."""

    async def write(self, wanted: ReportWanted, formats: tuple[ReportFormat, ...]) -> tuple[ReportFile, ...]:
        """The report in these forms. Raises TimeoutError where the history does not show its position yet."""
        ...
