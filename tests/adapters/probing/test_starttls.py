"""Before TLS: what servers say that refuse, talk nonsense, go on in clear, hang or hang up has a name, per protocol."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from adapters.probing.prober import TlsProber
from application.probe_ports import Observation
from bridge.probing.policy import AddressPolicy, parse_networks
from domain.endpoint import StartTls
from tests.adapters.probing.servers import listening, saying

PROBER = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))
CLIENT_SPEAKS_FIRST = frozenset({"ldap", "postgres"})


def mysql_greeting(capabilities: int) -> bytes:
    words = (
        b"\x0a8.0.0\0" + struct.pack("<I", 7) + b"saltsalt\0" + struct.pack("<H", capabilities) + b"\x21" + bytes(15)
    )
    return len(words).to_bytes(3, "little") + b"\0" + words


def ldap_response(code: int) -> bytes:
    return bytes([0x30, 12, 2, 1, 1, 0x78, 7, 0x0A, 1, code, 4, 0, 4, 0])


YES: dict[str, tuple[bytes, ...]] = {
    "smtp": (b"220-mail\r\n220 ready\r\n", b"250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"),
    "imap": (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\na OK begin\r\n"),
    "pop3": (b"+OK ready\r\n", b"+OK begin\r\n"),
    "ldap": (ldap_response(0),),
    "postgres": (b"S",),
    "mysql": (mysql_greeting(0xFFFF),),
    "ftp": (b"220-welcome\r\n to you\r\n220 ready\r\n", b"234 proceed\r\n"),
    "nats": (b'INFO {"server_id":"x","tls_required":true}\r\n',),
}
"""What a server says that goes over to TLS, answer by answer."""

REFUSALS: list[tuple[str, tuple[bytes, ...]]] = [
    ("smtp", (b"554 not you\r\n",)),
    ("smtp", (b"220 ready\r\n", b"250-mail\r\n250 SIZE 1\r\n")),
    ("smtp", (*YES["smtp"][:2], b"454 TLS not available due to local problem\r\n")),
    ("imap", (b"* OK ready\r\n", b"a NO not here\r\n")),
    ("imap", (b"* OK ready\r\n", b"a BAD what?\r\n")),
    ("imap", (b"* BYE full\r\n",)),
    ("pop3", (b"+OK ready\r\n", b"-ERR no\r\n")),
    ("ldap", (ldap_response(52),)),
    ("postgres", (b"N",)),
    ("postgres", (b"E",)),
    ("mysql", (mysql_greeting(0xF7FF),)),
    ("mysql", (b"\x04\0\0\0\xff\x15\x04x",)),
    ("ftp", (b"220 ready\r\n", b"530 log in first\r\n")),
    ("nats", (b'INFO {"server_id":"x"}\r\n',)),
]


@asynccontextmanager
async def conversation(protocol: str, answers: Sequence[bytes], *, then_hang: bool = True) -> AsyncIterator[int]:
    """The port of a server that says these answers, one for each time it hears something (the first one unasked)."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, answer in enumerate(answers):
            if number or protocol in CLIENT_SPEAKS_FIRST:
                await reader.read(65_536)
            writer.write(answer)
            await writer.drain()
        if then_hang:
            await asyncio.Event().wait()
        if len(answers) or protocol in CLIENT_SPEAKS_FIRST:
            await reader.read(65_536)

    async with listening(talk) as port:
        yield port


async def look(protocol: str, port: int, seconds: float = 5.0) -> Observation:
    return await PROBER.probe(f"{protocol}://127.0.0.1:{port}", None, seconds)


def outcome(seen: Observation) -> tuple[str, str | None]:
    assert seen.fingerprint_sha256 is None
    return seen.result.value, seen.reason


@pytest.mark.parametrize(("protocol", "answers"), REFUSALS)
async def test_a_server_that_refuses_shows_no_certificate(protocol: str, answers: Sequence[bytes]) -> None:
    """It was reached, it speaks the protocol, and does not go over to TLS: what clients get there is no certificate."""
    async with conversation(protocol, answers) as port:
        assert outcome(await look(protocol, port)) == ("no_certificate", "starttls_refused")


@pytest.mark.parametrize("protocol", StartTls)
async def test_another_protocol_is_named_so(protocol: str) -> None:
    """A web server at the port of a mail server: nothing of what it says is passed on."""
    async with saying(b"HTTP/1.1 400 canary-text\r\n\r\n", first=protocol not in CLIENT_SPEAKS_FIRST) as port:
        seen = await look(protocol, port)
    assert outcome(seen) == ("no_certificate", "starttls_wrong_protocol")
    assert "canary" not in repr(seen)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("protocol", StartTls)
async def test_words_after_the_yes_are_not_taken_for_the_servers(protocol: str, apart: bool) -> None:
    """Plaintext before TLS could be anybody's (CVE-2011-0411, CVE-2021-23222), in one packet with the yes or later."""
    *before, yes = YES[protocol]
    injected = b"250 as you like\r\n"
    answers = (*before, yes, injected) if apart else (*before, yes + injected)
    async with conversation(protocol, answers) as port:
        assert outcome(await look(protocol, port)) == ("handshake_failed", "starttls_plaintext")


@pytest.mark.parametrize(("protocol", "said"), [(name, n) for name in StartTls for n in range(len(YES[name]))])
async def test_hanging_before_tls_is_told_from_hanging_in_tls(protocol: str, said: int) -> None:
    """However far it came: the time that a server takes before TLS is named so."""
    async with conversation(protocol, YES[protocol][:said]) as port:
        assert outcome(await look(protocol, port, 0.2)) == ("handshake_failed", "starttls_timeout")


async def test_hanging_in_tls() -> None:
    """After its yes it is the handshake that does not come to its end."""

    async def one(protocol: str) -> None:
        async with conversation(protocol, YES[protocol]) as port:
            assert outcome(await look(protocol, port, 2)) == ("handshake_failed", "timeout")

    await asyncio.gather(*map(one, StartTls))


@pytest.mark.parametrize(("protocol", "said"), [(name, n) for name in StartTls for n in range(len(YES[name]))])
async def test_hanging_up_before_tls(protocol: str, said: int) -> None:
    """So is a connection that ends before TLS, however far it came."""
    async with conversation(protocol, YES[protocol][:said], then_hang=False) as port:
        assert outcome(await look(protocol, port)) == ("handshake_failed", "starttls_connection_lost")


async def test_a_server_that_talks_without_end_is_cut_off() -> None:
    """A greeting that does not end takes a bounded amount of memory."""
    async with conversation("smtp", (b"220-" + b"x" * 100_000,)) as port:
        assert outcome(await look("smtp", port)) == ("handshake_failed", "too_much_data")
