"""Evidence out of the ledger: application.export_ports.EvidenceMaker. Archives are made in files without a name."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.resources import files
from typing import Any, BinaryIO, NamedTuple, Protocol
from uuid import UUID

import msgspec
import psycopg
from psycopg import Connection

from adapters.evidence.anchoring import anchor
from adapters.evidence.archive import Written
from adapters.evidence.choosing import Born, NoSuchPush, Placed, chosen, named, people_of, placed, requested, streams_of
from adapters.evidence.disclosing import Disclosed, Discloses, disclosed, shown
from adapters.evidence.story import summary
from adapters.evidence.writing import Push, write_push, write_range
from adapters.postgres import raw
from adapters.sealing.leaves import Mismatch
from application.export_ports import Evidence, LedgerContradicted
from application.pem import certificates
from application.ports import LogUnavailable
from domain.errors import Code, Refused
from domain.transparency.proving import NotProven
from projections.push_validation.view import PushFilter, PushOperation

AT_ONCE = 2
"""Archives that one process makes at a time; others wait."""
_BLOCK = 1 << 18
_INDENT = 1


class Operations(Protocol):
    """What evidence asks the Push Validation Report (projections.push_validation.view.PushValidation)."""

    async def operations(self, narrow: PushFilter = PushFilter()) -> Sequence[PushOperation]: ...


class EvidenceFile:
    """An archive in a file that is gone when it is closed: application.export_ports.MadeEvidence."""

    def __init__(self, file: BinaryIO, about: Evidence) -> None:
        self.about = about
        self.file = file

    async def blocks(self) -> AsyncIterator[bytes]:
        """See MadeEvidence.blocks."""
        try:
            self.file.seek(0)
            while block := await asyncio.to_thread(self.file.read, _BLOCK):
                yield block
        finally:
            self.file.close()

    async def discard(self) -> None:
        """See MadeEvidence.discard."""
        self.file.close()


class PostgresEvidence:
    """application.export_ports.EvidenceMaker. `patience`: seconds that the sealer is waited for."""

    def __init__(self, dsn: str, operations: Operations, texts: Discloses, *, patience: float = 5.0) -> None:
        self._dsn = dsn
        self._operations = operations
        self._texts = texts
        self._patience = patience
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def range(self, first: int, last: int) -> EvidenceFile:
        """See EvidenceMaker.range."""
        return await self._made(lambda connection, out: self._range(connection, out, first, last))

    async def push(self, work_order_id: UUID) -> EvidenceFile:
        """See EvidenceMaker.push."""
        counted = await self._operations.operations(PushFilter(work_order_id=(work_order_id,)))
        found = await asyncio.to_thread(self._found, work_order_id)
        texts = await disclosed(self._texts, [each.row.payload for each in found])
        told = _Told(work_order_id, found, counted, texts)
        return await self._made(lambda connection, out: self._push(connection, out, told))

    def _found(self, work_order_id: UUID) -> list[Placed]:
        try:
            with raw.connect_raw(self._dsn, "certferry evidence") as connection:
                return _told(connection, work_order_id)
        except psycopg.OperationalError as error:
            raise LogUnavailable("the database does not answer") from error

    async def _made(self, make: "Callable[[Connection[Any], BinaryIO], Evidence]") -> EvidenceFile:
        async with self._turn:
            return await asyncio.to_thread(self._in_a_file, make)

    def _in_a_file(self, make: "Callable[[Connection[Any], BinaryIO], Evidence]") -> EvidenceFile:
        out = tempfile.TemporaryFile(prefix="certferry-evidence-")  # noqa: SIM115 - it is closed when it was read
        try:
            with raw.connect_raw(self._dsn, "certferry evidence") as connection:
                return EvidenceFile(out, make(connection, out))
        except (Mismatch, NotProven) as error:
            out.close()
            raise LedgerContradicted(str(error)) from error
        except psycopg.OperationalError as error:
            out.close()
            raise LogUnavailable("the database does not answer") from error
        except BaseException:
            out.close()
            raise

    def _range(self, connection: Connection[Any], out: BinaryIO, first: int, last: int) -> Evidence:
        proven_by = anchor(connection, last, self._patience)
        done = write_range(out, proven_by, first, last, raw.pages(connection, first - 1, last))
        return _evidence("evidence of a range", first, last, last - first + 1, proven_by.size, done)

    def _push(self, connection: Connection[Any], out: BinaryIO, told: "_Told") -> Evidence:
        found = told.events
        proven_by = anchor(connection, found[-1].row.position, self._patience)
        further = {
            "summary.json": shown(_json(summary(found)), told.texts),
            "report.json": _json(told.counted),
            "texts.json": _json(told.texts),
            "open_texts.py": files("adapters.evidence").joinpath("open_texts.py").read_bytes(),
        }
        push = Push(told.work_order_id, [each.row for each in found], _pem(found), further)
        done = write_push(out, proven_by, push)
        first, last = found[0].row.position, found[-1].row.position
        about = _evidence("evidence of a push", first, last, len(found), proven_by.size, done)
        return about._replace(subject_id=told.work_order_id)


class _Told(NamedTuple):
    """What the evidence of a push is made of."""

    work_order_id: UUID
    events: Sequence[Placed]
    counted: Sequence[PushOperation]
    texts: Sequence[Disclosed]


def _told(connection: Connection[Any], work_order_id: UUID) -> list[Placed]:
    """The events that a push is told by, and who acted. Raises Refused(not-found)."""
    try:
        asked = requested(work_order_id, placed(raw.of_streams(connection, [work_order_id])))
    except NoSuchPush as error:
        raise Refused(Code.NOT_FOUND, str(error)) from None
    found = chosen(work_order_id, placed(raw.of_streams(connection, streams_of(work_order_id, asked))))
    people = named(placed(raw.of_streams(connection, people_of(found))))
    every = {each.row.position: each for each in (*found, *people)}
    return [every[position] for position in sorted(every)]


def _pem(found: Sequence[Placed]) -> str:
    """The certificate that was pushed, then its issuers."""
    born = next(each.event for each in found if isinstance(each.event, Born))
    return certificates([born.der, *getattr(born, "chain", ())])


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=_INDENT) + b"\n"


def _evidence(form: str, first: int, last: int, events: int, tree_size: int, done: Written) -> Evidence:
    return Evidence(form, first, last, events, tree_size, done.size, done.sha256)
