"""One POST over real connections: what receivers, names and networks can do, and that nobody is led astray."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import trustme

from adapters.webhooks.sending import Sender, SenderSettings
from application.delivering import Answer
from application.webhook_ports import DeliveryError
from bridge.probing.policy import Address, AddressPolicy, parse_networks
from tests.support.receiver import receiving

LOOPBACK = AddressPolicy(parse_networks(["127.0.0.0/8", "::1"]))
QUICK = SenderSettings(connect_timeout=2.0, timeout=2.0)


def resolving(names: dict[str, str]) -> Callable[[str], Awaitable[Sequence[Address]]]:
    """A resolver that knows these names."""

    async def resolve(name: str) -> Sequence[Address]:
        if name not in names:
            raise OSError("no such name")
        return [ip_address(text) for text in names[name].split()]

    return resolve


async def sent(
    url: str, policy: AddressPolicy = LOOPBACK, settings: SenderSettings = QUICK, names: dict[str, str] | None = None
) -> Answer:
    """How sending a message ends, where these names have these addresses."""
    async with Sender(policy, settings, resolve=resolving(names or {})) as sender:
        return await sender.send(url, {"webhook-id": "m"}, b'{"a":1}')


async def test_a_message_arrives_as_it_was_given() -> None:
    """Method, path with query, headers, body; the host it was meant for."""
    async with receiving() as receiver:
        assert await sent(f"{receiver.url}?a=b") == Answer(None, 200)
        message = await receiver.next()
    assert (message.path, message.body, message.id) == ("/hook", b'{"a":1}', "m")
    assert message.headers["content-type"] == "application/cloudevents+json"
    assert message.headers["host"] == receiver.url.split("/")[2]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (204, None),
        (299, None),
        (301, DeliveryError.REDIRECTED),
        (400, DeliveryError.REJECTED),
        (410, DeliveryError.GONE),
        (500, DeliveryError.UNAVAILABLE),
        (503, DeliveryError.UNAVAILABLE),
    ],
)
async def test_what_the_receiver_answers(answer: int, error: DeliveryError | None) -> None:
    """2xx is success; a redirection is not followed, wherever it leads."""
    async with receiving() as receiver, receiving() as elsewhere:
        receiver.answers = [(answer, {"location": elsewhere.url})]
        assert await sent(receiver.url) == Answer(error, answer)
        assert len(receiver.messages) == 1
        assert elsewhere.messages == []


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("120", 120, 120), (timedelta(hours=1), 3000, 3600), (timedelta(hours=-1), -4000, 0)],
)
async def test_a_receiver_may_say_when_to_come_again(said: str | timedelta, least: float, most: float) -> None:
    """Retry-After in seconds or as a date."""
    text = said if isinstance(said, str) else format_datetime(datetime.now(UTC) + said, usegmt=True)
    async with receiving() as receiver:
        receiver.answers = [(503, {"retry-after": text})]
        answer = await sent(receiver.url)
    assert answer.retry_after is not None
    assert least <= answer.retry_after <= most


@pytest.mark.parametrize("text", ["soon", "-1", "1e9", "9" * 14, "Jan +9999 " + "9" * 20 + ":00 GMT 2026", ""])
async def test_what_is_no_time_is_not_heeded(text: str) -> None:
    """Nonsense in Retry-After changes nothing."""
    async with receiving() as receiver:
        receiver.answers = [(503, {"retry-after": text})]
        assert (await sent(receiver.url)).retry_after is None


LED_ASTRAY = {
    "loopback": "127.0.0.1",
    "the metadata service": "169.254.169.254",
    "loopback among others": "10.0.0.1 127.0.0.1",
    "a mapped loopback": "::ffff:127.0.0.1",
    "6to4 of loopback": "2002:7f00:1::",
    "NAT64 of loopback": "64:ff9b::127.0.0.1",
    "link-local": "fe80::1",
    "this host": "0.0.0.0",
}


@pytest.mark.parametrize("addresses", LED_ASTRAY.values(), ids=LED_ASTRAY)
async def test_a_name_that_leads_to_a_forbidden_address_gets_nothing(addresses: str) -> None:
    """One forbidden address among several is enough; nothing is sent."""
    async with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        url = f"http://evil.example.org:{port}"
        answer = await sent(url, AddressPolicy(), names={"evil.example.org": addresses})
        assert answer == Answer(DeliveryError.REFUSED_BY_POLICY)
        assert receiver.messages == []
        assert await sent(receiver.url, AddressPolicy()) == Answer(DeliveryError.REFUSED_BY_POLICY)


async def test_a_name_is_resolved_once_and_that_address_is_connected_to() -> None:
    """A name server that says something else the second time (DNS rebinding) is not asked a second time."""
    asked = 0

    async def rebinding(_: str) -> Sequence[Address]:
        nonlocal asked
        asked += 1
        return [ip_address("127.0.0.1" if asked > 1 else "127.0.0.2")]

    async with receiving(host="127.0.0.2") as first, receiving() as second:
        url = f"http://rebound.example.org:{first.url.split(':')[2]}"
        async with Sender(LOOPBACK, QUICK, resolve=rebinding) as sender:
            assert (await sender.send(url, {"webhook-id": "m"}, b"{}")).error is None
        assert (asked, len(first.messages), len(second.messages)) == (1, 1, 0)
        assert first.messages[0].headers["host"].startswith("rebound.example.org:")


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    """A receiver with several addresses is reached while one of them is."""
    async with receiving() as receiver:
        url = f"http://two.example.org:{receiver.url.split(':')[2]}"
        assert (await sent(url, names={"two.example.org": "127.0.0.9 127.0.0.1"})).error is None


async def test_private_networks_are_reached_without_being_listed() -> None:
    """RFC 1918 is where receivers are: the connection is tried (and here refused or lost on the way)."""
    answer = await sent("http://10.255.255.254:9/", AddressPolicy(), SenderSettings(connect_timeout=0.2, timeout=0.3))
    assert answer.error is not DeliveryError.REFUSED_BY_POLICY


@asynccontextmanager
async def peer(behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that does whatever it likes with a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behave(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass


async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


async def foreign(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
    await writer.drain()
    await reader.read()


async def endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100_000):
        writer.write(b"x: " + b"y" * 1000 + b"\r\n")
        await writer.drain()


async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"z" * 1024 + b"\r\n")
        await writer.drain()


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    await writer.drain()
    await reader.read()


@pytest.mark.parametrize(
    ("behave", "errors"),
    [
        (silent, {DeliveryError.TIMEOUT}),
        (rude, {DeliveryError.CONNECTION_LOST}),
        (foreign, {DeliveryError.NOT_HTTP}),
        (endless_headers, {DeliveryError.NOT_HTTP, DeliveryError.CONNECTION_LOST}),
        (endless_body, {None}),
        (slow_body, {None}),
    ],
)
async def test_receivers_that_misbehave(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], errors: set[DeliveryError | None]
) -> None:
    """An error of the closed list in the end, and no more of an answer is read than needed."""
    async with peer(behave) as url:
        assert (await sent(url)).error in errors


async def test_nobody_there() -> None:
    """Refused connections and unknown names are told apart."""
    assert (await sent("http://127.0.0.1:1/")).error is DeliveryError.CONNECTION_REFUSED
    assert (await sent("http://nowhere.example.org/")).error is DeliveryError.NO_SUCH_NAME


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def _served_by(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


async def test_https_needs_a_trusted_certificate_for_the_name(authority: trustme.CA, tmp_path: Path) -> None:
    """An authority of one's own is trusted where the settings name it; another name, or none, is not."""
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    trusting = SenderSettings(connect_timeout=2.0, timeout=5.0, ca_file=ca_file)
    async with receiving(tls=_served_by(authority.issue_cert("hook.example.org"))) as receiver:
        port = receiver.url.split(":")[2]
        names = {"hook.example.org": "127.0.0.1", "other.example.org": "127.0.0.1"}
        assert (await sent(f"https://hook.example.org:{port}", settings=trusting, names=names)).error is None
        for url, settings in (
            (f"https://other.example.org:{port}", trusting),
            (f"https://hook.example.org:{port}", QUICK),
        ):
            assert (await sent(url, settings=settings, names=names)).error is DeliveryError.TLS_ERROR
        assert len(receiver.messages) == 1


async def test_a_plain_server_is_no_https() -> None:
    """No handshake, no message."""
    async with receiving() as receiver:
        answer = await sent(receiver.url.replace("http:", "https:"))
        assert answer.error is DeliveryError.TLS_ERROR
        assert receiver.messages == []
