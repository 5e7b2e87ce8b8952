"""Which certificate a service shows: a TLS handshake from the target, over any transport, trusting nobody."""

import asyncio
import hashlib
import ssl
from itertools import count

import asyncssh

from bridge.drivers.failure import ConnectionDropped, DriverFailure
from bridge.drivers.host import Host, Stream
from bridge.drivers.place import Place
from bridge.drivers.starttls import Declined, begin
from bridge.protocol import FailureCause

_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2)
"""Between looks; the last one again and again."""


async def wait_until_served(host: Host, place: Place, fingerprint: str) -> str:
    """A sentence, once the service shows the certificate; "" where the profile names no place to look at.

    DriverFailure (service_reload_failed) when it does not in time: services exist that say yes to a reload and go on
    with the old certificate, or with none.
    """
    address, seconds = place.reload.serves, place.reload.serves_within_seconds
    if address is None:
        return ""
    said = "it was not asked"
    try:
        async with asyncio.timeout(seconds):
            for number in count():
                shown, said = await _look(host, place, address)
                if shown == fingerprint:
                    return f"{address} shows it."
                await asyncio.sleep(_PAUSES_SECONDS[min(number, len(_PAUSES_SECONDS) - 1)])
    except TimeoutError:
        message = f"{address} does not show the new certificate within {seconds:g} s: {said}."
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, message) from None
    raise AssertionError("looks have no end of their own")


async def served(host: Host, place: Place) -> str:
    """A sentence on what the service shows now. DriverFailure when that is no certificate."""
    address, seconds = place.reload.serves, place.reload.timeout_seconds
    assert address is not None
    try:
        async with asyncio.timeout(seconds):
            shown, said = await _look(host, place, address)
    except TimeoutError:
        shown, said = None, f"no answer within {seconds:g} s"
    if shown is None:
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"{address} shows no certificate: {said}.")
    return f"{address} shows {shown}."


async def _look(host: Host, place: Place, address: str) -> tuple[str | None, str]:
    """(SHA-256 of what is shown in hex, words for people)."""
    try:
        async with host.stream(address) as stream:
            if place.reload.starttls is not None:
                await begin(stream, place.reload.starttls)
            shown = await _handshake(stream, _server_name(place))
    except ConnectionDropped:
        raise
    except DriverFailure as failure:
        return None, failure.message.rstrip(".")
    except (OSError, asyncssh.Error, Declined) as error:
        return None, str(error)
    return shown, f"it shows {shown}"


def _server_name(place: Place) -> str | None:
    name = place.reload.server_name
    if name is None or ("{profile}" in name and place.profile is None):
        return None
    return name.replace("{profile}", place.profile or "")


async def _handshake(stream: Stream, server_name: str | None) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what is shown is compared by fingerprint, and nothing is sent
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    while not _is_done(tls):
        await stream.write(outgoing.read())
        if data := await stream.read():
            incoming.write(data)
        else:
            incoming.write_eof()
    if outgoing.pending:
        await stream.write(outgoing.read())  # the end of the handshake: services log one that breaks off
    return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()


def _is_done(tls: ssl.SSLObject) -> bool:
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
