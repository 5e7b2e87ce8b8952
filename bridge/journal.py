"""What the bridge has begun and not yet reported, on disk before it acts, so that a crash forgets nothing.

One JSON object per line: `started` (the whole assignment; its secrets stay sealed), `applied` (the report to send),
`reported` (acknowledged). Every line is synced before the bridge goes on. At each start the file is rewritten with what
is unfinished. A line that was cut by a crash at the end is dropped; a damaged line elsewhere is too, and the old file
is kept beside as `journal.damaged`.
"""

import asyncio
import os
from pathlib import Path
from uuid import UUID

import msgspec

from bridge import state
from bridge.protocol import Assignment, DiscoveryRequest, ResultRequest, VerificationRequest

_REWRITE_BYTES = 4 * 1024 * 1024


class Started(msgspec.Struct, frozen=True, tag_field="record", tag="started"):
    """The bridge took this on."""

    assignment: Assignment


class Applied(msgspec.Struct, frozen=True, tag_field="record", tag="applied"):
    """It ended; exactly one of the reports is there."""

    result: ResultRequest | None = None
    discovery: DiscoveryRequest | None = None
    verification: VerificationRequest | None = None

    @property
    def report(self) -> ResultRequest | DiscoveryRequest | VerificationRequest:
        """The one that is there."""
        report = self.result or self.discovery or self.verification
        assert report is not None
        return report


class Reported(msgspec.Struct, frozen=True, tag_field="record", tag="reported"):
    """The control plane has the report."""

    assignment_id: UUID
    fence: int


Record = Started | Applied | Reported
Report = ResultRequest | DiscoveryRequest | VerificationRequest


class Unfinished(msgspec.Struct, frozen=True):
    """An assignment that was begun; `report` when it has ended and the control plane may not know."""

    assignment: Assignment
    report: Report | None = None


class Journal:
    """The open journal. `unfinished` is what the last run left behind."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = asyncio.Lock()
        self._open: dict[tuple[UUID, int], Unfinished] = {}
        self._load()
        self.unfinished = tuple(self._open.values())
        self._rewrite()

    async def started(self, assignment: Assignment) -> None:
        """Durably: this is begun. OSError."""
        await self._append(Started(assignment))

    async def applied(self, report: Report) -> None:
        """Durably: this is how it ended. OSError."""
        await self._append(_applied(report))

    async def reported(self, report: Report) -> None:
        """Durably: the control plane knows. OSError."""
        await self._append(Reported(report.assignment_id, report.fence))

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._descriptor)

    async def _append(self, record: Record) -> None:
        async with self._lock:
            self._note(record)
            # Shielded: a line that is being written gets to its end even when the bridge is told to stop.
            await asyncio.shield(asyncio.to_thread(self._write, msgspec.json.encode(record) + b"\n"))

    def _write(self, line: bytes) -> None:
        _write_all(self._descriptor, line)
        os.fsync(self._descriptor)
        self._size += len(line)
        if self._size > _REWRITE_BYTES + self._kept:
            os.close(self._descriptor)
            self._rewrite()

    def _note(self, record: Record) -> None:
        match record:
            case Started(assignment):
                self._open[assignment.assignment_id, assignment.fence] = Unfinished(assignment)
            case Applied():
                key = record.report.assignment_id, record.report.fence
                if key in self._open:
                    self._open[key] = Unfinished(self._open[key].assignment, record.report)
            case Reported(assignment_id, fence):
                self._open.pop((assignment_id, fence), None)

    def _load(self) -> None:
        path = self._directory / state.JOURNAL
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        decoder = msgspec.json.Decoder(Record)
        damaged = False
        for line in lines[:-1]:  # what follows the last line break was cut by a crash
            try:
                self._note(decoder.decode(line))
            except msgspec.DecodeError:
                damaged = True
        if damaged:
            path.rename(self._directory / f"{state.JOURNAL}.damaged")

    def _rewrite(self) -> None:
        lines = [
            msgspec.json.encode(record) + b"\n"
            for unfinished in self._open.values()
            for record in _records_of(unfinished)
        ]
        state.save(self._directory, state.JOURNAL, b"".join(lines).decode())
        self._descriptor = os.open(self._directory / state.JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._size = self._kept = sum(map(len, lines))


def _records_of(unfinished: Unfinished) -> list[Record]:
    records: list[Record] = [Started(unfinished.assignment)]
    if unfinished.report is not None:
        records.append(_applied(unfinished.report))
    return records


def _applied(report: Report) -> Applied:
    match report:
        case ResultRequest():
            return Applied(report)
        case DiscoveryRequest():
            return Applied(None, report)
        case VerificationRequest():
            return Applied(None, None, report)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
