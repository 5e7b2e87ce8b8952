"""Asking the domain name system: the operator's name servers where some are set, else the system's."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from adapters.acme_server.caa import CaaRecord
from bridge.probing.policy import Address
from domain.endpoint import parse_endpoint
from domain.errors import Refused

SECONDS = 10.0
DNS_PORT = 53


class NameServers:
    """`addresses`: `192.0.2.53` or `192.0.2.53:5353`. Raises ValueError for anything else."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._servers = [_server(text) for text in addresses]

    async def texts(self, name: str) -> list[bytes]:
        """The TXT values at a name; CNAMEs are followed (RFC 8555, 8.4). Raises dns.exception.DNSException, OSError."""
        answer = await self._resolver().resolve(name, dns.rdatatype.TXT, lifetime=SECONDS)
        return [b"".join(record.strings) for record in answer]

    async def caa(self, name: str) -> list[CaaRecord]:
        """See CaaNames.caa. CNAMEs are followed (RFC 8659, section 3)."""
        answer = await self._resolver().resolve(name, dns.rdatatype.CAA, lifetime=SECONDS)
        return [
            CaaRecord(record.flags, record.tag.decode("latin-1"), record.value.decode("latin-1")) for record in answer
        ]

    async def addresses(self, name: str) -> Sequence[Address]:
        """All addresses of a name, IPv6 first. Raises OSError where there are none."""
        found: list[Address] = []
        for kind in (dns.rdatatype.AAAA, dns.rdatatype.A):
            try:
                answer = await self._resolver().resolve(name, kind, lifetime=SECONDS)
            except dns.resolver.NoAnswer:
                continue
            except dns.exception.DNSException as error:
                raise OSError(f"{name}: {type(error).__name__}") from None
            found += [ip_address(record.address) for record in answer]
        return found

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """A new one each time: it keeps nothing of what was asked before."""
        found = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            found.nameservers = [address for address, _ in self._servers]
            found.nameserver_ports = dict(self._servers)
        found.search = []
        return found


def _server(text: str) -> tuple[str, int]:
    try:
        return str(ip_address(text)), DNS_PORT
    except ValueError:
        pass
    try:
        found = parse_endpoint(text, pointer="")
        if found.starttls is None:
            return str(ip_address(found.host)), found.port
    except (Refused, ValueError):
        pass
    raise ValueError(f"{text!r} is no address of a name server")
