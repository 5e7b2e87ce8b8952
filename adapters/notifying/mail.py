"""Mail by SMTP: resolve once, every address must pass the policy, connect to that, TLS as set, authenticate, send."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage
from ipaddress import ip_address

import aiosmtplib
from aiosmtplib import errors

from adapters.notifying.settings import MailSecrets, MailSettings
from adapters.webhooks.network import NoSuchName, RefusedByPolicy
from application.notification_ports import NotificationError, Sent
from bridge.probing.policy import Address, AddressPolicy
from bridge.probing.resolving import Resolve

_MAX_ADDRESSES = 4
_TURNS = 20


class Mailer:
    """`timeout`: seconds for a whole attempt."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve, timeout: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._timeout = timeout

    async def send(self, settings: MailSettings, secrets: MailSecrets, mail: EmailMessage) -> Sent:
        """One attempt; all who are to get it, or it counts as not sent."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._send(settings, secrets, mail)
        except Exception as error:
            failure = _failure(error)
            if failure is None:
                raise
            return failure
        return Sent(status_code=250)

    async def _send(self, settings: MailSettings, secrets: MailSecrets, mail: EmailMessage) -> None:
        connection = await self._connected(settings.host, settings.port)
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            sock=connection,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=_trusting(settings.ca_certificates_pem),
            local_hostname="certferry.invalid",
            timeout=self._timeout,
            username=settings.username or None,
            password=secrets.password,
        )
        try:
            await client.connect()
            refused, _ = await client.send_message(mail)
            if refused:
                code, text = next(iter(refused.values()))
                raise errors.SMTPResponseException(code, text)
            await client.quit()
        finally:
            client.close()
            await _hang_up(connection)

    async def _connected(self, host: str, port: int) -> socket.socket:
        """A connection to the first address that answers, all of which were checked."""
        addresses = (await self._addresses(host))[:_MAX_ADDRESSES]
        if not all(map(self._policy.allows, addresses)):
            raise RefusedByPolicy
        last: OSError | None = None
        for address in addresses:
            connection = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET)
            connection.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
            except OSError as error:
                connection.close()
                last = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise last or NoSuchName

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return (ip_address(host),)
        except ValueError:
            pass
        try:
            found = await self._resolve(host)
        except (OSError, UnicodeError):
            raise NoSuchName from None
        if not found:
            raise NoSuchName
        return found


async def _hang_up(connection: socket.socket) -> None:
    """The connection ends now, whatever TLS would still like to say: its transport notices, and closes the socket."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    for _ in range(_TURNS):
        if connection.fileno() == -1:
            return
        await asyncio.sleep(0)
    connection.close()


def _trusting(ca_certificates_pem: str) -> ssl.SSLContext:
    """Those authorities, or the system's."""
    context = ssl.create_default_context(cadata=ca_certificates_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _failure(error: Exception) -> Sent | None:
    """What an exception says; None: it is a mistake of ours."""
    if isinstance(error, errors.SMTPAuthenticationError):
        return Sent(NotificationError.AUTHENTICATION_FAILED, error.code)
    if isinstance(error, errors.SMTPRecipientsRefused):
        return _answered(error.recipients[0].code)
    if isinstance(error, errors.SMTPResponseException) and error.code > 0:
        return _answered(error.code)
    if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
        return Sent(NotificationError.TLS_ERROR)
    if isinstance(error, errors.SMTPException) and "TLS" in error.message:
        return Sent(NotificationError.TLS_ERROR)  # it is not offered
    meaning = next((meaning for kind, meaning in _MEANINGS if isinstance(error, kind)), None)
    return Sent(meaning) if meaning is not None else None


_MEANINGS: tuple[tuple[type[Exception], NotificationError], ...] = (
    (RefusedByPolicy, NotificationError.REFUSED_BY_POLICY),
    (NoSuchName, NotificationError.NO_SUCH_NAME),
    (TimeoutError, NotificationError.TIMEOUT),
    (errors.SMTPServerDisconnected, NotificationError.CONNECTION_LOST),
    (errors.SMTPException, NotificationError.NOT_SMTP),
    (ConnectionRefusedError, NotificationError.CONNECTION_REFUSED),
    (ConnectionError, NotificationError.CONNECTION_LOST),
    (OSError, NotificationError.NO_ROUTE),
)
"""The first that fits."""


def _answered(code: int) -> Sent:
    return Sent(NotificationError.REJECTED if code >= 500 else NotificationError.UNAVAILABLE, code)


def _causes(error: BaseException | None) -> Sequence[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
