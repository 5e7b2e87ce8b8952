"""Public keys of accounts: JWKs (RFC 7517, 7518, 8037), their thumbprints, and what they signed.

ES256, ES384, RS256 (2048 to 8192 bits), EdDSA (Ed25519). A key has one algorithm; whatever a header says beside it is
refused, `none` and HMAC among it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from josepy import jwa
from josepy.errors import Error
from josepy.jwk import JWK

from api.acme.encoding import NotEncoded, decoded, encoded
from api.acme.problems import AcmeProblem
from domain.acme_account import AccountKey

_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SIGNATURES = {"RS256": jwa.RS256, "ES256": jwa.ES256, "ES384": jwa.ES384}
ALGORITHMS = (*_SIGNATURES, "EdDSA")
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384"}


class Key(msgspec.Struct, frozen=True):
    """A public key that was checked. `jwk` holds its required members alone, in their one spelling."""

    jwk: dict[str, str]
    algorithm: str
    public: Any

    @property
    def thumbprint(self) -> str:
        """RFC 7638, SHA-256, base64url."""
        return encoded(hashlib.sha256(msgspec.json.encode(dict(sorted(self.jwk.items())))).digest())

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return bytes(self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def account_key(self) -> AccountKey:
        """As events keep it."""
        return AccountKey(self.jwk, self.thumbprint)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Did this key sign it?"""
        if isinstance(self.public, ed25519.Ed25519PublicKey):
            try:
                self.public.verify(signature, message)
            except InvalidSignature:
                return False
            return True
        found: Any = JWK.from_json(self.jwk)
        return bool(_SIGNATURES[self.algorithm].verify(found.key, message, signature))


def read_key(given: object) -> Key:
    """The key of a JWK. Raises AcmeProblem(badPublicKey)."""
    jwk = given if isinstance(given, Mapping) else {}
    members = _MEMBERS.get(str(jwk.get("kty")), ())
    if not members or not all(isinstance(jwk.get(name), str) for name in members):
        raise _bad("The jwk is no RSA, EC or OKP key.")
    if _PRIVATE & jwk.keys():
        raise _bad("The jwk holds a private key. Consider it compromised.")
    needed = {name: str(jwk[name]) for name in members}
    public = _ed25519(needed) if needed["kty"] == "OKP" else _of_josepy(needed)
    return Key(_spelled(needed), _algorithm(public), public)


def _of_josepy(jwk: dict[str, str]) -> Any:
    try:
        found: Any = JWK.from_json(jwk)
        return found.key._wrapped  # noqa: SLF001 - josepy wraps cryptography's keys to compare them
    except (Error, ValueError, TypeError, UnsupportedAlgorithm):
        raise _bad("The jwk cannot be read.") from None


def _ed25519(jwk: dict[str, str]) -> ed25519.Ed25519PublicKey:
    try:
        if jwk["crv"] != "Ed25519":
            raise _bad("Of the OKP keys only Ed25519 is accepted.")
        return ed25519.Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))
    except (NotEncoded, ValueError):
        raise _bad("The jwk cannot be read.") from None


def _spelled(jwk: dict[str, str]) -> dict[str, str]:
    """In its one spelling (RFC 7638, 3.3): members of another one would have another thumbprint."""
    if jwk["kty"] == "OKP":
        return dict(sorted(jwk.items()))
    again: dict[str, Any] = JWK.from_json(jwk).to_partial_json()
    return {name: str(again[name]) for name in sorted(jwk)}


def _algorithm(public: Any) -> str:
    if isinstance(public, rsa.RSAPublicKey):
        if not 2048 <= public.key_size <= 8192:
            raise _bad("An RSA key has from 2048 to 8192 bits.")
        return "RS256"
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return _CURVES[public.curve.name]
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "EdDSA"
    raise _bad("Of the EC keys only P-256 and P-384 are accepted.")


def _bad(detail: str) -> AcmeProblem:
    return AcmeProblem("badPublicKey", detail)
