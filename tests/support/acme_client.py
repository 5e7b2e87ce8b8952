"""An ACME client written for tests, from RFC 8555 alone: it signs what it is told to, right or wrong.

client = AcmeClient(http)                       # an httpx client whose base leads to the service
await client.open(eab)                          # (kid, MAC key in base64url)
answer = await client.post(client.directory["newOrder"], {"identifiers": [...]})
"""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

DIRECTORY = "/acme/directory"
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
_AS_GET = object()


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64(text: str) -> bytes:
    """The reverse."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwk_of(key: PrivateKey) -> dict[str, str]:
    """The public key as JWK (RFC 7518, 8037)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
    point, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    curve = {256: "P-256", 384: "P-384", 521: "P-521"}[key.key_size]
    x, y = (b64(number.to_bytes(size, "big")) for number in (point.x, point.y))
    return {"kty": "EC", "crv": curve, "x": x, "y": y}


def _integer(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638."""
    return b64(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def algorithm_of(key: PrivateKey) -> str:
    """What this kind of key signs with."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "ES384" if key.key_size == 384 else "ES256"
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else "EdDSA"


def sign(key: PrivateKey, message: bytes) -> bytes:
    """As JWS wants it (RFC 7518, 3.3 and 3.4; RFC 8037, 3.1)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    size = (key.key_size + 7) // 8
    pair = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA384() if size == 48 else hashes.SHA256())))
    return b"".join(number.to_bytes(size, "big") for number in pair)


def jws(key: PrivateKey, header: dict[str, Any], payload: bytes) -> dict[str, str]:
    """Flattened."""
    protected = b64(json.dumps({"alg": algorithm_of(key)} | header).encode())
    signature = sign(key, f"{protected}.{b64(payload)}".encode())
    return {"protected": protected, "payload": b64(payload), "signature": b64(signature)}


def binding(kid: str, mac_key: str, url: str, jwk: dict[str, str]) -> dict[str, str]:
    """RFC 8555, 7.3.4."""
    protected = b64(json.dumps({"alg": "HS256", "kid": kid, "url": url}).encode())
    payload = b64(json.dumps(jwk).encode())
    code = hmac.digest(from_b64(mac_key), f"{protected}.{payload}".encode(), "sha256")
    return {"protected": protected, "payload": payload, "signature": b64(code)}


def request_for(names: tuple[str, ...], key: PrivateKey | None = None) -> str:
    """A signing request, as finalize takes it."""
    made = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return b64(builder.sign(made, hashes.SHA256()).public_bytes(serialization.Encoding.DER))


class AcmeClient:
    """One account."""

    def __init__(self, http: httpx.AsyncClient, key: PrivateKey | None = None) -> None:
        self.http = http
        self.key: PrivateKey = key or ec.generate_private_key(ec.SECP256R1())
        self.directory: dict[str, Any] = {}
        self.account: str | None = None
        self.nonce = ""

    @property
    def jwk(self) -> dict[str, str]:
        return jwk_of(self.key)

    async def begin(self) -> "AcmeClient":
        """Read the directory, take a nonce."""
        self.directory = (await self.http.get(DIRECTORY)).json()
        answer = await self.http.head(self.directory["newNonce"])
        assert answer.status_code == 200
        self.nonce = answer.headers["Replay-Nonce"]
        return self

    async def open(self, kid: str, mac_key: str, **more: Any) -> httpx.Response:
        """An account, by external account binding."""
        url = self.directory["newAccount"]
        body = {"externalAccountBinding": binding(kid, mac_key, url, self.jwk)} | more
        answer = await self.post(url, body)
        self.account = answer.headers.get("Location")
        return answer

    async def get(self, url: str) -> httpx.Response:
        """POST-as-GET."""
        return await self.post(url, _AS_GET)

    async def post(self, url: str, body: object, /, **header: Any) -> httpx.Response:
        """A signed request; `header` replaces members of the protected header, None leaves one out."""
        by: dict[str, Any] = {"kid": self.account} if self.account else {"jwk": self.jwk}
        members = by | {"nonce": self.nonce, "url": url} | header
        payload = b"" if body is _AS_GET else json.dumps(body).encode()
        return await self.send(url, jws(self.key, {k: v for k, v in members.items() if v is not None}, payload))

    async def send(self, url: str, body: object, content_type: str = "application/jose+json") -> httpx.Response:
        """Anything."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.http.post(url, content=content, headers={"Content-Type": content_type})
        self.nonce = answer.headers.get("Replay-Nonce", self.nonce)
        return answer
