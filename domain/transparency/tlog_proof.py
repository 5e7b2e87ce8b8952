"""Proofs in a file (C2SP tlog-proof): that one entry is in the tree of the checkpoint that lies beside it."""

from base64 import b64encode
from collections.abc import Iterable

import msgspec

from domain.transparency.checkpoint import Opened, open_checkpoint, parse_decimal
from domain.transparency.hashing import HASH_BYTES
from domain.transparency.keys import Ed25519Verify, VerifierKey
from domain.transparency.note import from_base64
from domain.transparency.proving import NotProven
from domain.transparency.verifying import check_inclusion

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63


class TlogProof(msgspec.Struct, frozen=True):
    """`index` counts from 0; `checkpoint` is the signed note, verbatim; `extra` is not authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {b64encode(self.extra).decode()}\n"
        hashes = "".join(f"{b64encode(each).decode()}\n" for each in self.hashes)
        return f"{_FIRST_LINE}\n{extra}index {self.index}\n{hashes}\n{self.checkpoint}"


def parse_tlog_proof(raw: str) -> TlogProof:
    """A proof out of its file. Raises NotProven."""
    head, _, checkpoint = raw.partition("\n\n")
    first, *lines = head.split("\n")
    if first != _FIRST_LINE:
        raise NotProven(f"a proof begins with the line {_FIRST_LINE}")
    extra = from_base64(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise NotProven("a proof names its index")
    index = parse_decimal(lines[0].removeprefix("index "))
    hashes = tuple(map(from_base64, lines[1:]))
    if len(hashes) > _MOST_HASHES or any(len(each) != HASH_BYTES for each in hashes):
        raise NotProven(f"a proof has at most {_MOST_HASHES} hashes of {HASH_BYTES} bytes")
    return TlogProof(index, hashes, checkpoint, extra)


def check_tlog_proof(
    proof: TlogProof, leaf: bytes, origin: str, keys: Iterable[VerifierKey], verify: Ed25519Verify
) -> Opened:
    """The entry with the leaf hash `leaf` is in the log `origin`, at `proof.index`; raises NotProven otherwise."""
    opened = open_checkpoint(proof.checkpoint, origin, keys, verify)
    checkpoint = opened.checkpoint
    check_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
    return opened
