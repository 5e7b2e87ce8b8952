"""Looking at a part of the network: which certificates do its endpoints serve? Asked for as a discovery of the target
kind `network`; only inside `scan` of the bridge's own configuration.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from bridge.config import Config
from bridge.drivers.driver import Applied, Discovered, Job, Requested
from bridge.drivers.failure import DriverFailure
from bridge.protocol import MAX_FOUND, FailureCause, FoundCertificate, NetworkSettings

KIND = "network"
_SECONDS = 3.0
_AT_ONCE = 128


class NetworkScanner:
    """The driver of no target system: it reads, and can do nothing else."""

    def __init__(self, config: Config) -> None:
        self._allowed = tuple(ip_network(each) for each in config.scan)

    async def test(self, job: Job) -> str:
        """Never asked."""
        raise _nothing_else(job)

    async def apply(self, job: Job) -> Applied:
        """Never asked."""
        raise _nothing_else(job)

    async def request(self, job: Job) -> Requested:
        """Never asked."""
        raise _nothing_else(job)

    async def discover(self, job: Job) -> Discovered:
        """What the endpoints serve, each with one TLS handshake. DriverFailure outside of what the bridge allows."""
        try:
            wanted = msgspec.convert(job.assignment.target.settings, NetworkSettings)
        except msgspec.ValidationError as error:
            raise DriverFailure(FailureCause.UNKNOWN, f"The network to look at is refused: {error}.") from None
        endpoints = list(self._endpoints(wanted))
        if len(endpoints) > MAX_FOUND:
            raise DriverFailure(FailureCause.UNKNOWN, f"More than {MAX_FOUND} endpoints: ask for smaller ranges.")
        at_once = asyncio.Semaphore(_AT_ONCE)
        with job.steps.step("scan") as note:
            seen = await asyncio.gather(*(_look(address, port, at_once) for address, port in endpoints))
            found = tuple(each for each in seen if each is not None)
            note.message = f"{len(found)} certificates found at {len(endpoints)} endpoints."
        return Discovered(note.message, found)

    def _endpoints(self, wanted: NetworkSettings) -> Iterator[tuple[IPv4Address | IPv6Address, int]]:
        for text in wanted.addresses:
            try:
                address = ip_address(text)
            except ValueError:
                raise DriverFailure(FailureCause.UNKNOWN, f"{text!r} is no IP address.") from None
            if not any(address.version == each.version and address in each for each in self._allowed):
                message = f"The bridge's configuration (scan) does not allow {address} to be looked at."
                raise DriverFailure(FailureCause.PERMISSION_DENIED, message)
            yield from ((address, port) for port in wanted.ports)


async def _look(address: IPv4Address | IPv6Address, port: int, at_once: asyncio.Semaphore) -> FoundCertificate | None:
    async with at_once:
        try:
            async with asyncio.timeout(_SECONDS):
                _, writer = await asyncio.open_connection(str(address), port, ssl=_context(), server_hostname="")
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            return None
        try:
            tls = writer.get_extra_info("ssl_object")
            der = tls.getpeercert(binary_form=True)
        finally:
            writer.transport.abort()
    if der is None:
        return None
    place = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    return FoundCertificate(
        place=place, fingerprint_sha256=hashlib.sha256(der).hexdigest(), certificate_pem=ssl.DER_cert_to_PEM_cert(der)
    )


@cache
def _context() -> ssl.SSLContext:
    """Nobody is trusted: what is shown is told, and nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _nothing_else(job: Job) -> DriverFailure:
    return DriverFailure(FailureCause.UNKNOWN, f"A network is looked at only; this was a {job.assignment.kind}.")
