"""Signed requests: flattened JWS (RFC 7515, 7.2.2) with ACME's header (RFC 8555, 6.2), strictly."""

import hashlib
import hmac
from typing import Any, TypeVar

import msgspec

from api.acme.encoding import NotEncoded, decoded
from api.acme.keys import ALGORITHMS, Key
from api.acme.problems import AcmeProblem, malformed

T = TypeVar("T")
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class Header(msgspec.Struct, frozen=True):
    """The protected header. `crit` names extensions that must be understood: there are none."""

    alg: str
    url: str = ""
    nonce: str | None = None
    kid: str | None = None
    jwk: dict[str, Any] | None = None
    crit: Any = None


class Flattened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As it is sent. An unprotected header is refused with all other members."""

    protected: str
    payload: str
    signature: str


class Jws(msgspec.Struct, frozen=True):
    """A request that was taken apart; nothing about it is verified yet."""

    header: Header
    payload: bytes
    signature: bytes
    signed: bytes

    def body(self, kind: type[T]) -> T:
        """The payload as a value. Raises AcmeProblem(malformed)."""
        try:
            return msgspec.json.decode(self.payload, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed(f"The payload is not understood: {error}.") from None

    def check_signed_by(self, key: Key) -> None:
        """Raise AcmeProblem where this key did not sign it, or not by its own algorithm."""
        if self.header.alg != key.algorithm:
            sentence = f"The algorithm {self.header.alg!r} is not that of the key, {key.algorithm}."
            raise AcmeProblem("badSignatureAlgorithm", sentence, algorithms=list(ALGORITHMS))
        if not key.verifies(self.signed, self.signature):
            raise AcmeProblem("unauthorized", "The signature is wrong.")

    def is_authenticated_by(self, mac_key: bytes) -> bool:
        """Does its code fit (HMAC, RFC 7518, 3.2)?"""
        digest = _HASHES.get(self.header.alg)
        return digest is not None and hmac.compare_digest(hmac.digest(mac_key, self.signed, digest), self.signature)


def read_jws(data: bytes) -> Jws:
    """Take a JWS apart. Raises AcmeProblem(malformed)."""
    try:
        return jws_of(msgspec.json.decode(data, type=Flattened))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(f"This is no JWS in its flattened form: {error}.") from None


def jws_of(found: Flattened) -> Jws:
    """The same of what was read already."""
    try:
        header = msgspec.json.decode(decoded(found.protected), type=Header)
        parts = decoded(found.payload), decoded(found.signature)
    except (msgspec.DecodeError, NotEncoded, UnicodeDecodeError) as error:
        raise malformed(f"The JWS is not understood: {error}.") from None
    if header.crit is not None:
        raise malformed("The header names critical extensions; none are known here.")
    return Jws(header, *parts, f"{found.protected}.{found.payload}".encode())
