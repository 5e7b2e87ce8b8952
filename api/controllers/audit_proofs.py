"""What proves the ledger: keys, checkpoints, tiles (C2SP tlog-tiles), proofs, verifications."""

import gzip
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter

from api.answers import missing, single
from api.as_of import only_now
from api.asking import Command, Reading, location_of
from api.failures import bad_parameter
from api.paging import JSON, negotiate
from api.positions import LARGEST
from api.presenters.audit_proofs import consistency, log_key, verification
from api.problems import Problem
from api.schemas.audit_proofs import ConsistencyBody, LedgerVerificationBody, LogKeysBody, StartVerificationBody
from api.security import requires
from application import proving
from application.house import load
from application.ledger_verifying import start_verification
from application.proving import SealedCheckpoint, SealedLog, SealingIncomplete
from domain.ledger_verification import LEDGER_VERIFICATION
from domain.roles import Permission
from domain.transparency.proving import NotProven
from domain.transparency.tiles import Tile, parse_tile_name

T = TypeVar("T")
TEXT, BYTES, STAMP = "text/plain", "application/octet-stream", "application/timestamp-reply"
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
WITHOUT_CHECKPOINT = StartVerificationBody()
NO_MOMENT = "What proves the ledger names sizes and positions itself."
AUDITORS = requires(Permission.READ_EVERYTHING)
Size = Annotated[int, PathParameter(description="How many events the checkpoint covers.")]


@get("/audit/key", opt=AUDITORS)
async def get_audit_key(request: Request[Any, Any, Any], reading: NamedDependency[Reading]) -> Response[LogKeysBody]:
    """The verifier keys (C2SP signed-note) that sign now, newest first, one a line; as JSON also the former ones."""
    found = [log_key(key) for key in reversed(await _log(reading).keys())]
    if negotiate(request, TEXT, JSON) == JSON:
        return single(LogKeysBody(keys=tuple(found)))
    if not found:
        _nothing_yet()
    return _text("".join(f"{key.vkey}\n" for key in found if key.until is None))


@get("/audit/checkpoint", opt=AUDITORS, media_type=TEXT)
async def get_audit_checkpoint(reading: NamedDependency[Reading]) -> Response[str]:
    """The latest checkpoint (C2SP tlog-checkpoint), with the cosignatures that witnesses gave."""
    return _text((await _checkpoint(reading, None)).signed)


@get("/audit/checkpoints/{size:int}", opt=AUDITORS, media_type=TEXT)
async def get_older_audit_checkpoint(size: Size, reading: NamedDependency[Reading]) -> Response[str]:
    """The checkpoint that was made over so many events, as it was stored: what its time stamp covers."""
    return _text((await _checkpoint(reading, size)).note)


@get("/audit/checkpoints/{size:int}/timestamp", opt=AUDITORS, media_type=STAMP)
async def get_audit_timestamp(size: Size, reading: NamedDependency[Reading]) -> Response[bytes]:
    """The time stamp over that checkpoint, where there is one (RFC 3161, TimeStampResp)."""
    stamp = (await _checkpoint(reading, size)).timestamp
    if stamp is None:
        raise missing("time stamp of the checkpoint over", size)
    return Response(stamp, media_type=STAMP)


@get("/audit/tile/{level:str}/{name:path}", opt=AUDITORS, media_type=BYTES)
async def get_audit_tile(
    level: Annotated[str, PathParameter(description="0 to 63: hashes of subtrees of height 8 * level.")],
    name: Annotated[str, PathParameter(description="Its number: x001/x234/067; a partial tile ends in .p/WIDTH.")],
    reading: NamedDependency[Reading],
) -> Response[bytes]:
    """A tile of the Merkle tree: up to 256 hashes (C2SP tlog-tiles). It never changes."""
    tile = _named(lambda: Tile.parse(level + name))
    return _immutable(await _whole(proving.tile_bytes(_log(reading), tile)))


@get("/audit/tile/entries/{name:path}", opt=AUDITORS, media_type=BYTES)
async def get_audit_entries(
    request: Request[Any, Any, Any],
    name: Annotated[str, PathParameter(description="As a tile's of level 0.")],
    reading: NamedDependency[Reading],
) -> Response[bytes]:
    """The leaves of a tile: up to 256, each behind its length in two bytes (C2SP tlog-tiles, entry bundle)."""
    number, width = _named(lambda: parse_tile_name(name.removeprefix("/")))
    answer = _immutable(await _whole(proving.entry_bundle(_log(reading), number, width)))
    request.app.state.read_recorder.audit_listed(request, reading, "entries ")
    answer.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        answer.content = gzip.compress(answer.content, 6, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@get("/audit-events/{position:int}/proof", opt=AUDITORS, media_type=TEXT)
async def get_audit_event_proof(position: FromPath[int], reading: NamedDependency[Reading]) -> Response[str]:
    """That the event is in the latest checkpoint's tree (C2SP tlog-proof); its index is its position less one."""
    found = await _or_unavailable(proving.inclusion_proof(_log(reading), position))
    if found is not None:
        return _text(str(found))
    if not 0 < position <= await reading.services.house.log.head():
        raise missing("event at position", position)
    raise Problem("unavailable", "This event is not sealed yet. Try again soon.", headers={"Retry-After": "5"})


@get("/audit/consistency", opt=AUDITORS)
async def get_audit_consistency(
    reading: NamedDependency[Reading],
    from_size: Annotated[
        int, QueryParameter(name="from", ge=0, le=LARGEST, description="The size of an older checkpoint.")
    ],
) -> Response[ConsistencyBody]:
    """That the ledger of an older checkpoint is the beginning of the latest one's (RFC 6962, section 2.1.2)."""
    found = await _or_unavailable(proving.consistency_proof(_log(reading), from_size))
    if found is None:
        latest = await _checkpoint(reading, None)
        raise bad_parameter("from", f"The latest checkpoint covers {latest.size} events only.")
    return single(consistency(found))


@post("/audit/verifications", opt=AUDITORS, status_code=202)
async def start_ledger_verification(
    command: NamedDependency[Command], data: JSONBody[StartVerificationBody] = WITHOUT_CHECKPOINT
) -> Response[LedgerVerificationBody]:
    """Recompute the whole ledger: every leaf, tile and checkpoint, and compare it with a checkpoint that you kept."""
    done = await start_verification(command.house, command.context, data.checkpoint)
    found = done.result
    where = location_of("audit/verifications", found.id)
    return await command.answer(done, verification(found), status=202, version=found.version, location=where)


@get("/audit/verifications/{verification_id:uuid}", opt=AUDITORS)
async def get_ledger_verification(
    verification_id: FromPath[UUID], reading: NamedDependency[Reading]
) -> Response[LedgerVerificationBody]:
    """How a verification stands, and what it found."""
    only_now(reading.moment, NO_MOMENT)
    found = await load(reading.services.house, LEDGER_VERIFICATION, verification_id)
    return single(verification(found), found.version)


def _log(reading: Reading) -> SealedLog:
    only_now(reading.moment, NO_MOMENT)
    return reading.services.sealed


async def _checkpoint(reading: Reading, size: int | None) -> SealedCheckpoint:
    if size is not None and not 0 <= size <= LARGEST:
        raise missing("checkpoint over", size)
    found = await _log(reading).checkpoint(size)
    if found is not None:
        return found
    if size is None:
        _nothing_yet()
    raise missing("checkpoint over", size)


def _nothing_yet() -> NoReturn:
    detail = "Nothing was sealed yet; is the sealing process running (certferry seal)?"
    raise Problem("unavailable", detail, headers={"Retry-After": "5"})


def _named(parse: Callable[[], T]) -> T:
    try:
        return parse()
    except NotProven as error:
        raise Problem("not-found", f"There is no such tile: {error}.") from None


async def _whole(asked: Awaitable[bytes | None]) -> bytes:
    found = await _or_unavailable(asked)
    if found is None:
        raise Problem("not-found", "There is no such tile yet.")
    return found


async def _or_unavailable(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except SealingIncomplete as error:
        raise Problem("unavailable", f"The sealed ledger cannot be read: {error}.") from error


def _text(content: str) -> Response[Any]:
    return Response(content, media_type=TEXT)


def _immutable(content: bytes) -> Response[bytes]:
    return Response(content, media_type=BYTES, headers=FOR_EVER)


HANDLERS = [
    get_audit_key,
    get_audit_checkpoint,
    get_older_audit_checkpoint,
    get_audit_timestamp,
    get_audit_tile,
    get_audit_entries,
    get_audit_event_proof,
    get_audit_consistency,
    start_ledger_verification,
    get_ledger_verification,
]
