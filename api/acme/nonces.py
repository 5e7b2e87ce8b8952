"""Nonces (RFC 8555, 6.5): signed, so that every process knows its siblings', good for an hour, and once."""

import hmac
import secrets
from datetime import datetime

from api.acme.encoding import NotEncoded, decoded, encoded
from api.acme.problems import AcmeProblem
from application.acme_ports import SpentNonces

GOOD_SECONDS = 3600
_RANDOM, _TIME, _TAG = 16, 8, 16


class Nonces:
    """`key`: the same in every API process."""

    def __init__(self, key: bytes, spent: SpentNonces) -> None:
        self._key = hmac.digest(key, b"certferry/acme nonces/v1", "sha256")
        self._spent = spent

    def make(self, now: datetime) -> str:
        """A fresh one."""
        body = secrets.token_bytes(_RANDOM) + int(now.timestamp()).to_bytes(_TIME, "big")
        return encoded(body + self._tag(body))

    def check(self, text: str, now: datetime) -> bytes:
        """What identifies a nonce of ours. Raises AcmeProblem(badNonce) for what we never gave, or long ago."""
        try:
            nonce = decoded(text)
        except NotEncoded:
            raise _bad() from None
        body, tag = nonce[:-_TAG], nonce[-_TAG:]
        if len(nonce) != _RANDOM + _TIME + _TAG or not hmac.compare_digest(tag, self._tag(body)):
            raise _bad()
        if not -60 <= now.timestamp() - int.from_bytes(body[_RANDOM:], "big") <= GOOD_SECONDS:
            raise _bad()
        return body

    async def spend(self, nonce: bytes) -> None:
        """Use what `check` answered. Raises AcmeProblem(badNonce) the second time."""
        if not await self._spent.spend(nonce):
            raise _bad()

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_TAG]


def _bad() -> AcmeProblem:
    return AcmeProblem("badNonce", "This nonce is not known, too old or was used before; take the one of this answer.")
