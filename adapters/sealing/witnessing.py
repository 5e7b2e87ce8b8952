"""Witnesses (C2SP tlog-witness): others who sign that the log they see only ever grew, and remember what they saw."""

from base64 import b64encode
from typing import Any, NamedTuple, Self

import httpx
from psycopg import Connection

from adapters.keys.ed25519 import verify_ed25519
from adapters.sealing.checkpoints import Sealed
from adapters.sealing.tree_store import tiles_at
from domain.transparency.checkpoint import parse_decimal
from domain.transparency.keys import COSIGNATURE, VerifierKey, verified
from domain.transparency.note import NoteSignature, parse_note, parse_signatures
from domain.transparency.proving import NotProven, consistency_path, hashes_of
from domain.transparency.tiles import lookup_in, tiles_for

_SECONDS = 20.0


class NotCosigned(RuntimeError):
    """A witness refused, or its answer is no valid cosignature."""


class Witness(NamedTuple):
    """Its verifier key (of type 0x04) and the prefix of its URLs."""

    key: VerifierKey
    url: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """`<vkey> <url>`. Raises ValueError."""
        vkey, _, url = text.partition(" ")
        key = VerifierKey.parse(vkey)
        if key.type != COSIGNATURE or not url.startswith(("http://", "https://")):
            raise ValueError("a witness is the vkey of its cosignatures (type 4), a space, and its URL")
        return cls(key, url.rstrip("/"))


class Witnessing:
    """One witness of this log; what it has seen last is learnt from it."""

    def __init__(self, connection: Connection[Any], witness: Witness) -> None:
        self._connection = connection
        self._witness = witness
        self._seen = 0

    def send(self, sealed: Sealed) -> None:
        """Get a cosignature and keep it. Raises NotCosigned, httpx.HTTPError, psycopg.Error."""
        answer = self._ask(sealed)
        if answer.status_code == 409:  # it has seen another size than we think; the answer says which
            self._seen = self._size_in(answer, sealed.size)
            answer = self._ask(sealed)
        if answer.status_code != 200:
            raise NotCosigned(f"{self._witness.url} refused the checkpoint ({answer.status_code})")
        line = self._valid(sealed, answer.text)
        self._seen = sealed.size
        self._connection.execute("SELECT ledger.cosign(%s, %s)", [sealed.number, str(line)])

    def _ask(self, sealed: Sealed) -> httpx.Response:
        path = consistency_path(self._seen, sealed.size)
        tiles = tiles_at(self._connection, tiles_for(path, sealed.size), sealed.size)
        proof = "".join(f"{b64encode(each).decode()}\n" for each in hashes_of(path, lookup_in(tiles)))
        body = f"old {self._seen}\n{proof}\n{sealed.note}"
        return httpx.post(f"{self._witness.url}/add-checkpoint", content=body.encode(), timeout=_SECONDS)

    def _size_in(self, answer: httpx.Response, most: int) -> int:
        try:
            size = parse_decimal(answer.text.removesuffix("\n"))
        except NotProven:
            raise NotCosigned(f"{self._witness.url} does not say what it has seen") from None
        if size > most:
            raise NotCosigned(f"{self._witness.url} has seen {size} events, more than the {most} that were sealed here")
        return size

    def _valid(self, sealed: Sealed, lines: str) -> NoteSignature:
        try:
            mine = [line for line in parse_signatures(lines) if self._witness.key.made(line)]
            if not verified(parse_note(sealed.note).signed_too(mine), [self._witness.key], verify_ed25519):
                raise NotProven("there is none")
        except NotProven as error:
            raise NotCosigned(f"the cosignature of {self._witness.url} is not valid: {error}") from None
        return mine[0]
