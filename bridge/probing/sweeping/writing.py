"""Writing a ClientHello: what all versions of TLS have in common (RFC 5246, 7.4.1.2; RFC 8446, 4.1.2)."""

from collections.abc import Iterable


def sized(content: bytes, width: int) -> bytes:
    """A vector: its size in so many bytes, and the content."""
    return len(content).to_bytes(width, "big") + content


def numbers(each: Iterable[int]) -> bytes:
    """A vector of numbers of two bytes."""
    return sized(b"".join(number.to_bytes(2, "big") for number in each), 2)


def extension(kind: int, content: bytes) -> bytes:
    """One extension, by its number at IANA."""
    return kind.to_bytes(2, "big") + sized(content, 2)


def named(server_name: str | None) -> bytes:
    """The extension with a server name (RFC 6066, 3), if there is one."""
    if server_name is None:
        return b""
    return extension(0, sized(b"\0" + sized(server_name.encode("ascii"), 2), 2))


def around_random(ciphers: Iterable[int], extensions: bytes) -> tuple[bytes, bytes]:
    """What stands before the 32 random bytes of a ClientHello, and what behind them; ready to be sent."""
    behind = b"\0" + numbers(ciphers) + b"\x01\0" + sized(extensions, 2)  # no session, no compression
    body = (2 + 32 + len(behind)).to_bytes(3, "big")
    record = (4 + 2 + 32 + len(behind)).to_bytes(2, "big")
    return b"\x16\x03\x01" + record + b"\x01" + body + b"\x03\x03", behind
