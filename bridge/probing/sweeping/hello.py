"""A ClientHello of TLS 1.2 (RFC 5246, 7.4.1.2) as OpenSSL's would be under `modern_context`, without TLS 1.3.

Order matters: a server with keys of several kinds picks one by what it is offered first.
"""

from functools import lru_cache

from bridge.probing.sweeping.writing import around_random, extension, named, numbers

CIPHERS = {
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
    0xC024: "ECDHE-ECDSA-AES256-SHA384",
    0xC028: "ECDHE-RSA-AES256-SHA384",
    0xC023: "ECDHE-ECDSA-AES128-SHA256",
    0xC027: "ECDHE-RSA-AES128-SHA256",
}
"""By their numbers at IANA, with OpenSSL's names. All agree on a key by (EC)DHE, which the certificate's key signs."""

GROUPS = {29: 32, 23: 65, 30: 56, 25: 133, 24: 97}
"""Named groups (RFC 8422, 5.1.1) and the size of a point of theirs: X25519, P-256, X448, P-521, P-384."""

SCHEMES = (
    *(0x0403, 0x0503, 0x0603),  # ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512
    *(0x0807, 0x0808),  # ed25519, ed448
    *(0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806),  # RSA-PSS, of keys of that kind only, and of any
    *(0x0401, 0x0501, 0x0601),  # RSA PKCS #1 v1.5
)
"""Signature schemes (RFC 8446, 4.2.3)."""

_NO_RENEGOTIATION = 0x00FF  # the signal of RFC 5746, 3.3


@lru_cache(maxsize=4096)
def hello(server_name: str | None) -> tuple[bytes, bytes]:
    """What stands before the 32 random bytes of a ClientHello, and what behind them; ready to be sent."""
    extensions = named(server_name)
    extensions += extension(10, numbers(GROUPS))
    extensions += extension(11, b"\x01\x00")  # uncompressed points
    extensions += extension(13, numbers(SCHEMES))
    extensions += extension(23, b"")  # extended master secret (RFC 7627)
    return around_random((*CIPHERS, _NO_RENEGOTIATION), extensions)
