"""A ClientHello of TLS 1.3 (RFC 8446, 4.1.2) as OpenSSL's would be under `modern_context`, without TLS 1.2.

Its share is one of X25519 only, which nearly all servers take. Session tickets are not asked for.
"""

from functools import lru_cache

from bridge.probing.sweeping.hello import GROUPS, SCHEMES
from bridge.probing.sweeping.tls13.keys import SUITES, X25519, own_key
from bridge.probing.sweeping.writing import around_random, extension, named, numbers, sized


@lru_cache(maxsize=4096)
def hello(server_name: str | None) -> tuple[bytes, bytes]:
    """What stands before the 32 random bytes of a ClientHello, and what behind them; ready to be sent."""
    extensions = named(server_name)
    extensions += extension(10, numbers(GROUPS))
    extensions += extension(13, numbers(SCHEMES))
    extensions += extension(43, sized(b"\x03\x04", 1))  # this version alone
    share = X25519.to_bytes(2, "big") + sized(own_key().public_key().public_bytes_raw(), 2)
    extensions += extension(51, sized(share, 2))
    return around_random(SUITES, extensions)
