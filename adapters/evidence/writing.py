"""What evidence consists of: events with their leaves, a proof, the checkpoint, the keys, and how to check all of it.

Nothing is written that does not hold: the leaves are followed up to the checkpoint's root while they are written.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import msgspec

from adapters.evidence.archive import Archive, Written
from adapters.evidence.explaining import explanation
from adapters.postgres.raw import RawEvent
from adapters.sealing.leaves import checked_hash
from domain.transparency.excerpt import CompactRange, excerpt_proof
from domain.transparency.proving import NotProven, hashes_of, inclusion_path
from domain.transparency.subtrees import Lookup, Range
from domain.transparency.tlog_proof import TlogProof

EVENTS, PROOF, CHECKPOINT, KEYS = "events.ndjson", "proof.json", "checkpoint.txt", "vkeys.txt"


class Anchor(NamedTuple):
    """The checkpoint that everything is proven by, the keys that may have signed it, and its tree."""

    origin: str
    size: int
    root: bytes
    note: str
    vkeys: tuple[str, ...]
    lookup: Lookup


class Push(NamedTuple):
    """What proves one push, beside its events (ascending): the certificate, and files that tell the story."""

    work_order_id: UUID
    events: Sequence[RawEvent]
    certificate_pem: str
    further: dict[str, bytes]


class _Line(msgspec.Struct, frozen=True):
    position: int
    leaf: str
    salt: bytes
    payload: str | None


_encode_lines = msgspec.json.Encoder().encode_lines


def write_range(out: BinaryIO, anchor: Anchor, first: int, last: int, pages: Iterable[Sequence[RawEvent]]) -> Written:
    """All events of a range, proven to be all. Raises Mismatch or NotProven where the ledger is not the sealed one."""
    proof = excerpt_proof([Range(first - 1, last)], anchor.size, anchor.lookup)
    about = {"kind": "range", "first_position": first, "last_position": last, "events": last - first + 1}
    with Archive(out) as archive:
        archive.stream(EVENTS, _followed(pages, proof, anchor, expected=last - first + 1))
        return _finish(archive, anchor, proof, about)


def write_push(out: BinaryIO, anchor: Anchor, push: Push) -> Written:
    """One push, from the request to the handshake. Raises Mismatch or NotProven."""
    positions = [event.position for event in push.events]
    proof = excerpt_proof([Range(at - 1, at) for at in positions], anchor.size, anchor.lookup)
    about = {"first_position": positions[0], "last_position": positions[-1], "events": len(positions)}
    with Archive(out) as archive:
        archive.stream(EVENTS, _followed([push.events], proof, anchor, expected=len(positions)))
        archive.add("certificate.pem", push.certificate_pem.encode())
        for name, content in push.further.items():
            archive.add(name, content)
        for position in positions:
            archive.add(f"proofs/{position}.tlog-proof", _proof_of(position - 1, anchor).encode())
        return _finish(archive, anchor, proof, {"kind": "push", "work_order_id": push.work_order_id, **about})


def _proof_of(index: int, anchor: Anchor) -> str:
    hashes = hashes_of(inclusion_path(index, anchor.size), anchor.lookup)
    return str(TlogProof(index, tuple(hashes), anchor.note))


def _followed(
    pages: Iterable[Sequence[RawEvent]], proof: Sequence[bytes], anchor: Anchor, expected: int
) -> Iterator[bytes]:
    """Events as lines; at the end their leaves must have led to the root."""
    seen, hashes, count = CompactRange(), iter(proof), 0
    for page in pages:
        for event in page:
            seen.fill(event.position - 1, hashes)
            seen.add(checked_hash(event))
        count += len(page)
        yield _encode_lines([_line(event) for event in page])
    seen.fill(anchor.size, hashes)
    if count != expected or seen.root() != anchor.root:
        raise NotProven(f"the ledger's events are not those that the checkpoint of {anchor.size} events sealed")


def _line(event: RawEvent) -> _Line:
    return _Line(event.position, event.leaf.decode(), event.salt, event.payload.decode())


def _finish(archive: Archive, anchor: Anchor, proof: Sequence[bytes], about: dict[str, Any]) -> Written:
    archive.add(PROOF, msgspec.json.encode(proof))
    archive.add(CHECKPOINT, anchor.note.encode())
    archive.add(KEYS, "".join(f"{key}\n" for key in anchor.vkeys).encode())
    told = {**about, "origin": anchor.origin, "tree_size": anchor.size, "root": anchor.root}
    archive.add("VERIFY.md", explanation(told).encode())
    archive.add("verify.py", files("adapters.evidence").joinpath("verify.py").read_bytes())
    return archive.finish(told)
