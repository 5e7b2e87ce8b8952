"""Where syslog messages go: `tls://host:port` (RFC 5425), `tcp://host:port` (RFC 6587, octets counted),
`udp://host:port` (RFC 5426), or the path of a datagram socket (`/dev/log`).
"""

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Transport = Literal["local", "udp", "tcp", "tls"]
_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}
_USUAL_LONGEST = {"local": 8192, "udp": 2048, "tcp": 8192, "tls": 8192}
"""Octets that a receiver should take: RFC 5425, 4.3.1 and RFC 5426, 3.2."""


class Receiver(NamedTuple):
    """`path` is that of a local socket; `host` without the brackets of IPv6."""

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def usual_longest(self) -> int:
        """How long a message may be that every receiver takes."""
        return _USUAL_LONGEST[self.transport]

    @property
    def confirms(self) -> bool:
        """Can it be told whether the receiver has read what was sent?"""
        return self.transport in {"tcp", "tls"}


def parse_receiver(address: str) -> Receiver:
    """Raises ValueError for an address that is none of these."""
    if address.startswith("/"):
        return Receiver("local", path=address)
    url = urlsplit(address)
    extra = url.path.strip("/") or url.query or url.fragment or "@" in url.netloc
    if url.scheme not in _TRANSPORTS or not url.hostname or not url.port or extra:
        raise ValueError(
            "a syslog address is tls://host:port, tcp://host:port, udp://host:port or the path of a socket"
        )
    return Receiver(_TRANSPORTS[url.scheme], url.hostname, url.port)
