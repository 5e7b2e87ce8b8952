"""Looking at challenges (RFC 8555, 8.3 and 8.4): real web servers, a real name server, and what must not be asked."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import dns.message
import dns.name
import dns.query
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from adapters.acme_server.caa import Caa
from adapters.acme_server.http01 import LONGEST, REDIRECTS, Http01
from adapters.acme_server.looking import Looker, LookSettings
from adapters.acme_server.names import NameServers
from adapters.demo.ports import free_port
from bridge.probing.policy import Address, AddressPolicy, parse_networks
from domain.acme_order import Answered, Authorization, ChallengeFlaw, ChallengeType
from tests.support.nameserver import HOST, KEY, ZONE, NameServer, running_name_server

TOKEN, NAME, ACCOUNT = "token", "www.example.org", UUID(int=1)
RIGHT = "token.thumbprint"
HERE = AddressPolicy(parse_networks(["127.0.0.0/8"]))
Answer = Callable[[str], bytes]


class Web:
    """A web server that answers as it is told, on one port; `asked` are the paths, host by host."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head.split(" ")[1])
            writer.write(self._answer(self.asked[-1]))
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def web_server(answer: Answer) -> AsyncIterator[Web]:
    web = Web(answer)
    server = await asyncio.start_server(web.serve, HOST, 0)
    web.port = server.sockets[0].getsockname()[1]
    async with server:
        yield web


async def loopback(_: str) -> list[Address]:
    return [ip_address("127.0.0.1")]


def shown(body: str, status: str = "200 OK", **headers: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def look(port: int, policy: AddressPolicy = HERE) -> ChallengeFlaw | None:
    async with Http01(policy, loopback, port) as web:
        return await web.look(NAME, TOKEN, RIGHT)


async def test_the_right_answer_at_the_right_place() -> None:
    """Blanks after it do no harm."""
    async with web_server(lambda _: shown(f"{RIGHT}\r\n")) as web:
        assert await look(web.port) is None
        assert [f"/.well-known/acme-challenge/{TOKEN}"] == web.asked


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (shown("token.another"), "unauthorized"),
        (shown(RIGHT, "404 Not Found"), "unauthorized"),
        (shown(RIGHT, "301 Moved"), "unauthorized"),
        (shown(RIGHT + " " * LONGEST), "unauthorized"),
        (b"SSH-2.0-OpenSSH\r\n", "connection"),
        (b"", "connection"),
    ],
    ids=["another", "not found", "nowhere", "too long", "no HTTP", "nothing"],
)
async def test_other_answers(answer: bytes, kind: str) -> None:
    """Each is told apart, and none of its words is told on."""
    async with web_server(lambda _: answer) as web:
        flaw = await look(web.port)
    assert flaw is not None
    assert kind == flaw.type
    assert "another" not in flaw.detail
    assert "SSH" not in flaw.detail


async def test_redirects_are_followed_to_other_names_and_paths() -> None:
    """On the ports of the web, a few times."""

    def answer(path: str) -> bytes:
        target = f"http://other.example.org:{web.port}/here"
        return shown(RIGHT) if path == "/here" else shown("", "302 Found", Location=target)

    async with web_server(answer) as web:
        assert await look(web.port) is None
        assert "/here" == web.asked[-1]


async def test_a_circle_of_redirects_ends() -> None:
    """After so many."""
    async with web_server(lambda path: shown("", "307 Temporary Redirect", Location=path)) as web:
        flaw = await look(web.port)
        assert REDIRECTS + 1 == len(web.asked)
    assert flaw is not None
    assert "redirects" in flaw.detail


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/x",
        "http://2130706433:{port}/x",
        "http://[::1]:{port}/x",
        "http://other.example.org:22/x",
        "http://user@other.example.org:{port}/x",
        "ftp://other.example.org/x",
        "file:///etc/passwd",
        "http://other.example.org:99999/x",
        "http://\u00e4.example.org:{port}/x",
    ],
)
async def test_redirects_that_are_not_followed(target: str) -> None:
    """To addresses, other ports, other schemes: nobody is asked a second time (CWE-918)."""
    async with web_server(lambda _: shown("", "302 Found", Location=target.format(port=web.port))) as web:
        flaw = await look(web.port)
        assert 1 == len(web.asked)
    assert flaw is not None
    assert "connection" == flaw.type


async def test_addresses_that_are_not_listed_are_not_asked() -> None:
    """Loopback, metadata: only where an administrator has listed them."""
    async with web_server(lambda _: shown(RIGHT)) as web:
        flaw = await look(web.port, AddressPolicy())
        assert [] == web.asked
    assert flaw == ChallengeFlaw("connection", f"An address of {NAME} is none that may be asked from here.")


async def test_nobody_listens() -> None:
    """A connection that is refused, and a name without an address."""
    async with web_server(lambda _: b"") as web:
        pass
    flaw = await look(web.port)
    assert flaw is not None
    assert "connection" == flaw.type

    async def nowhere(_: str) -> list[Address]:
        raise OSError

    async with Http01(HERE, nowhere, web.port) as http:
        assert ChallengeFlaw("dns", f"{NAME} has no address.") == await http.look(NAME, TOKEN, RIGHT)


def put(server: NameServer, name: str, *texts: str) -> None:
    """TXT values at a name, by a signed update."""
    keyring = dns.tsigkeyring.from_text({KEY: (dns.tsig.HMAC_SHA256, server.secret)})
    update = dns.update.UpdateMessage(ZONE, keyring=keyring)
    for text in texts:
        update.add(dns.name.from_text(name), 60, "TXT", f'"{text}"')
    dns.query.tcp(update, HOST, port=server.port, timeout=5)


@pytest.mark.needs("named")
async def test_dns_01(tmp_path: Path) -> None:
    """One of several records is the right one; wrong ones, none, and a server that is away are told apart."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(RIGHT.encode()).digest()).rstrip(b"=").decode()

    async def seen(name: str) -> ChallengeFlaw | None:
        found = Authorization(name=name, token=TOKEN, answered=Answered(ChallengeType.DNS_01, RIGHT))
        return await looker.look(ACCOUNT, found)

    with running_name_server(tmp_path) as server:
        put(server, "_acme-challenge.www.example.org", "wrong", digest)
        put(server, "_acme-challenge.shop.example.org", "wrong")
        looker = Looker(HERE, (f"{HOST}:{server.port}",), LookSettings())
        assert await seen("www.example.org") is None
        for name in ("shop.example.org", "nothing.example.org"):
            flaw = await seen(name)
            assert flaw is not None
            assert "unauthorized" == flaw.type
        assert [ip_address(HOST)] == list(await NameServers((f"{HOST}:{server.port}",)).addresses("www.example.org"))
        with pytest.raises(OSError, match="NXDOMAIN"):
            await NameServers((f"{HOST}:{server.port}",)).addresses("nothing.example.org")
        away = await seen("www.example.net")  # of another zone: REFUSED
        assert away is not None
        assert "dns" == away.type


async def test_whoever_is_met_must_be_permitted_as_well() -> None:
    """CAA is asked where the challenge is met: here by a name server that is away, so that nothing is known."""
    caa = Caa(("ca.example.net",))
    async with web_server(lambda _: shown(RIGHT)) as web:
        found = Authorization(name="localhost", token=TOKEN, answered=Answered(ChallengeType.HTTP_01, RIGHT))
        assert await Looker(HERE, settings=LookSettings(http_port=web.port)).look(ACCOUNT, found) is None
        looker = Looker(HERE, settings=LookSettings(http_port=web.port, caa=caa))
        looker._names = NameServers((f"{HOST}:{free_port(HOST)}",))
        flaw = await looker.look(ACCOUNT, found)
    assert flaw is not None
    assert "caa" == flaw.type


@pytest.mark.parametrize(
    "text", ["ns.example.org", "127.0.0.1:", "127.0.0.1:0", "1.2.3", "127.0.0.1:53:53", "smtp://127.0.0.1:53"]
)
def test_name_servers_are_addresses(text: str) -> None:
    """Anything else is refused when the service starts."""
    with pytest.raises(ValueError, match="no address of a name server"):
        NameServers((text,))
