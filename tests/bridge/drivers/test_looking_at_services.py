"""Looking at what a service shows: whatever is at the other end, there is a sentence that says what it did."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.config import ReloadProfile, StartTls
from bridge.drivers.failure import DriverFailure
from bridge.drivers.local import LocalHost
from bridge.drivers.place import Place
from bridge.drivers.served import served, wait_until_served
from bridge.drivers.services.haproxy import HAPROXY
from bridge.drivers.services.redis import REDIS
from bridge.drivers.services.talking import MAX_REPLY
from bridge.kinds import LocalSettings, RedisSecrets
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY
from tests.support.nginx import lay_out


@contextlib.asynccontextmanager
async def saying(*words: bytes) -> AsyncIterator[str]:
    """A peer that says the next words after each thing it hears, the first at once, and then hangs up."""

    handlers: set[asyncio.Task[object] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        with contextlib.suppress(OSError):
            for number, each in enumerate(words):
                if number:
                    await reader.read(65_536)
                writer.write(each)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*filter(None, handlers))


def place(root: Path, **profile: object) -> Place:
    settings = LocalSettings(root=str(root), reload_profile="web")
    return Place(settings, RedisSecrets(password="canary-1"), str(root), str(root), ReloadProfile(**profile))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("protocol", "words", "sentence"),
    [
        (
            "smtp",
            (b"220-a\r\n220 b\r\n", b"250-x\r\n250 STARTTLS\r\n", b"454 4.7.0 TLS not available\r\n"),
            "454 4.7.0",
        ),
        ("smtp", (b"554 no\r\n",), "554 no"),
        ("smtp", (b"220 half",), "ended the connection before TLS"),
        ("imap", (b"* OK ready\r\n", b"a BAD no TLS\r\n"), "a BAD no TLS"),
        ("ldap", (b"", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"), "does not begin TLS"),
        ("mysql", (b"\x10\x00\x00\x00\xffHost is blocked",), "Host is blocked"),
        ("postgresql", (b"", b"N"), "'N' to an SSLRequest"),
        (None, (b"HTTP/1.1 400 Bad Request\r\n\r\n",), "shows no certificate"),
    ],
)
async def test_who_does_not_begin_tls_is_quoted(
    tmp_path: Path, protocol: StartTls | None, words: tuple[bytes, ...], sentence: str
) -> None:
    """In the service's own words, as service_reload_failed."""
    async with saying(*words) as address:
        with pytest.raises(DriverFailure) as caught:
            await served(LocalHost(), place(tmp_path, serves=address, starttls=protocol))
    assert FailureCause.SERVICE_RELOAD_FAILED is caught.value.cause
    assert sentence in caught.value.message


async def test_who_never_answers_has_its_time_and_no_more(tmp_path: Path) -> None:
    """A peer that accepts and is silent ends nothing but this push."""
    async with saying(b"", b"", b"") as address:
        silent = place(tmp_path, serves=address, serves_within_seconds=0.2)
        with pytest.raises(DriverFailure, match=r"does not show the new certificate within 0\.2 s"):
            await wait_until_served(LocalHost(), silent, "0" * 64)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((b"", b"-WRONGPASS invalid username-password pair\r\n"), "Redis refuses AUTH: -WRONGPASS"),
        ((b"", b"+OK\r\n", b"-ERR Unknown option\r\n"), "Redis refuses CONFIG: -ERR Unknown option"),
        ((b"", b"+O"), "ended before an answer"),
        ((b"", b"+" + b"x" * (MAX_REPLY + 1)), "answers more than"),
    ],
)
async def test_what_redis_refuses_is_told_without_the_password(
    tmp_path: Path, words: tuple[bytes, ...], sentence: str
) -> None:
    """Its own words, an answer that is cut off, one that has no end."""
    issued = AUTHORITY.server()
    lay_out(tmp_path / "tls", issued.fullchain_pem, issued.key_pem)
    assert REDIS.call is not None
    async with saying(*words) as address:
        with pytest.raises(DriverFailure) as caught:
            await REDIS.call(LocalHost(), place(tmp_path / "tls", api=address))
    assert sentence in caught.value.message
    assert "canary" not in caught.value.message


async def test_a_name_that_would_be_a_second_command_is_never_said(tmp_path: Path) -> None:
    """HAProxy's runtime API separates commands with `;`: such a directory is refused before anything is sent."""
    assert HAPROXY.call is not None
    with pytest.raises(DriverFailure, match="cannot be told to the runtime API"):
        await HAPROXY.call(LocalHost(), place(tmp_path / "x; shutdown frontend web", api="/nonexistent/admin.sock"))
