"""Mail to a real server: TLS, STARTTLS, authentication; every failure under its name; nothing of a password in it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import trustme

from adapters.notifying.letters import letter
from adapters.notifying.mail import Mailer
from adapters.notifying.settings import MailSecrets, MailSettings
from application.notification_ports import Message, NotificationError, Sent
from bridge.probing.policy import Address, AddressPolicy, parse_networks
from tests.support.mailbox import Mailbox, mailbox

pytestmark = [  # what the server's own code does
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
    pytest.mark.filterwarnings("ignore:Session.login_data is deprecated:DeprecationWarning"),
]
CA, STRANGER = trustme.CA(), trustme.CA()
LOCAL = AddressPolicy(parse_networks(["127.0.0.0/8"]))
USER = ("certferry", "pass-canary")
MESSAGE = Message(
    id=UUID(int=7),
    at=datetime(2026, 11, 26, 20, tzinfo=UTC),
    subject="[certferry] Push failed: line one\r\nBcc: everybody@example.org",
    lines=(("What", 'Pushing <b>www</b> failed & "how".'), ("Ünïcode", "ok")),
    link="https://certferry.example.org/alerts?a=1&b=2",
    topic="alert.raised",
    about=UUID(int=8),
    data={},
)


def server_context(ca: trustme.CA = CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("mail.test").configure_cert(context)
    return context


async def nowhere(name: str) -> Sequence[Address]:
    if name == "mail.test":
        return (ip_address("127.0.0.1"),)
    raise OSError("no such name")


async def sent(port: int, *, policy: AddressPolicy = LOCAL, timeout: float = 20.0, **different: Any) -> Sent:
    given: dict[str, Any] = {
        "host": "mail.test",
        "port": port,
        "from_address": "certferry@example.org",
        "to": ("pki@example.org", "night@example.org"),
        "ca_certificates_pem": CA.cert_pem.bytes().decode(),
    }
    secrets = MailSecrets(password=different.pop("password", None))
    settings = MailSettings(**given | different)
    mail = letter(MESSAGE, settings.from_address, settings.to)
    return await Mailer(policy, nowhere, timeout).send(settings, secrets, mail)


@pytest_asyncio.fixture
async def guarded() -> AsyncIterator[Mailbox]:
    """STARTTLS and a password are demanded."""
    async with mailbox(starttls=server_context(), user=USER) as box:
        yield box


async def test_a_mail_arrives_encrypted_and_authenticated(guarded: Mailbox) -> None:
    """To everybody, as text and as HTML, with headers that nobody can break out of."""
    assert Sent(status_code=250) == await sent(guarded.port, username=USER[0], password=USER[1])
    [mail] = guarded.messages
    assert ([["pki@example.org", "night@example.org"]], [True], [True]) == (
        guarded.recipients,
        guarded.authenticated,
        guarded.encrypted,
    )
    assert "[certferry] Push failed: line one Bcc: everybody@example.org" == mail["Subject"]
    assert (None, "<00000000-0000-0000-0000-000000000007@example.org>") == (mail["Bcc"], mail["Message-ID"])
    assert "auto-generated" == mail["Auto-Submitted"]
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert 'What: Pushing <b>www</b> failed & "how".\nÜnïcode: ok\n' in text.get_content().replace("\r\n", "\n")
    assert "Pushing &lt;b&gt;www&lt;/b&gt; failed &amp; &quot;how&quot;." in html.get_content()
    assert 'href="https://certferry.example.org/alerts?a=1&amp;b=2"' in html.get_content()
    assert "canary" not in mail.as_string()


async def test_tls_from_the_first_byte() -> None:
    """RFC 8314."""
    async with mailbox(tls=server_context(), user=USER) as box:
        assert Sent(status_code=250) == await sent(box.port, security="tls", username=USER[0], password=USER[1])
        assert [True] == box.encrypted
        assert 1 == len(box.messages)


async def test_without_tls_only_where_that_is_set() -> None:
    """A server that offers no STARTTLS gets nothing, unless the channel says so."""
    async with mailbox() as box:
        assert NotificationError.TLS_ERROR is (await sent(box.port)).error
        assert [] == box.messages
        assert Sent(status_code=250) == await sent(box.port, security="none")


async def test_what_a_server_says_no_to(guarded: Mailbox) -> None:
    """A wrong password, none, a refusal for good, one for now: each under its name, with the code."""
    wrong = await sent(guarded.port, username=USER[0], password="wrong")
    assert Sent(NotificationError.AUTHENTICATION_FAILED, 535) == wrong
    assert Sent(NotificationError.REJECTED, 530) == await sent(guarded.port)
    for answer, error in (("550 No", NotificationError.REJECTED), ("451 Later", NotificationError.UNAVAILABLE)):
        guarded.answer = answer
        found = await sent(guarded.port, username=USER[0], password=USER[1])
        assert Sent(error, int(answer[:3])) == found
    assert [] == guarded.messages


async def test_a_server_that_is_not_trusted_gets_no_password() -> None:
    """Another CA's certificate, or one for another name."""
    async with mailbox(starttls=server_context(STRANGER), user=USER) as box:
        found = await sent(box.port, username=USER[0], password=USER[1])
        assert NotificationError.TLS_ERROR is found.error
    async with mailbox(starttls=server_context(), user=USER) as box:
        found = await sent(box.port, host="127.0.0.1", username=USER[0], password=USER[1])
        assert NotificationError.TLS_ERROR is found.error
        assert [] == box.messages


async def test_addresses_that_are_not_allowed_are_not_even_connected_to(guarded: Mailbox) -> None:
    """Loopback only where the operator of this host has listed it."""
    found = await sent(guarded.port, policy=AddressPolicy(), username=USER[0], password=USER[1])
    assert Sent(NotificationError.REFUSED_BY_POLICY) == found


@pytest_asyncio.fixture
async def silent() -> AsyncIterator[int]:
    """A server that says nothing."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for writer in held:
        writer.close()
    server.close()


async def test_networks_that_fail(silent: int) -> None:
    """No such name, nobody there, silence, something that is no mail server."""
    assert NotificationError.NO_SUCH_NAME is (await sent(25, host="nowhere.test")).error
    assert NotificationError.TIMEOUT is (await sent(silent, timeout=0.5)).error

    async def http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(http, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await sent(port)).error in {NotificationError.NOT_SMTP, NotificationError.CONNECTION_LOST}
    assert NotificationError.CONNECTION_REFUSED is (await sent(port)).error
