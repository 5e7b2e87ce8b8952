"""A real mail server: TLS or STARTTLS and authentication are demanded as told; it keeps what it takes.

async with mailbox(tls=context, user=("certferry", "secret")) as box:
    ...
    message = box.messages[0]
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Pause:
    """A place where whoever comes first waits until the pause `ends`; `begun` when somebody waits."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ends = asyncio.Event()

    async def reached(self) -> None:
        self.begun.set()
        await self.ends.wait()


class Mailbox:
    """`answer`: what DATA is answered with. `before` and `after`: what is waited for before a message is kept, and
    before that is answered.
    """

    def __init__(self) -> None:
        self.port = 0
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.authenticated: list[bool] = []
        self.encrypted: list[bool] = []
        self.answer = "250 OK"
        self.before: Pause | None = None
        self.after: Pause | None = None

    async def handle_DATA(  # noqa: N802 - its name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        if self.before:
            await self.before.reached()
        if self.answer.startswith("250"):
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append(parsed)
            self.recipients.append(envelope.rcpt_tos)
            self.authenticated.append(bool(session.authenticated))
            self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        if self.after:
            await self.after.reached()
        return self.answer


class _Server(SMTP):
    """Its transport is closed with the mailbox, whatever became of the client."""

    made: ClassVar[list[Any]] = []

    def connection_made(self, transport: Any) -> None:
        self.made.append(transport)
        super().connection_made(transport)


@asynccontextmanager
async def mailbox(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, user: tuple[str, str] | None = None
) -> AsyncIterator[Mailbox]:
    """Until the block ends. `tls` from the first byte; `starttls` before anything else."""
    box = Mailbox()

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and user is not None
        return AuthResult(success=known and (data.login.decode(), data.password.decode()) == user, handled=False)

    def serve() -> SMTP:
        return _Server(
            box,
            hostname="mail.test",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=user is not None,
            auth_require_tls=tls is None,
            authenticator=authenticate,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        box.port = server.sockets[0].getsockname()[1]
        yield box
    finally:
        server.close()
        for transport in _Server.made:
            with suppress(AttributeError):  # Python before 3.11.4, where TLS had ended by itself
                transport.abort()
        _Server.made.clear()
        await asyncio.sleep(0)  # what was aborted is closed in the next turn
