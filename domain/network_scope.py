"""Which part of a network a discovery looks at: IP ranges and ports, inside an administrator's allow-list."""

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from itertools import islice
from uuid import UUID

import msgspec

from domain.endpoint import Endpoint
from domain.errors import Code, Refused

Network = IPv4Network | IPv6Network
DEFAULT_PORTS = (443,)
MOST_ENDPOINTS = 4_096
"""Endpoints of one discovery."""
MOST_RANGES, MOST_PORTS = 64, 64


class NetworkScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ranges` as they were asked for; `bridge_id`: from where it is looked, None: from the control plane."""

    ranges: tuple[str, ...]
    ports: tuple[int, ...] = DEFAULT_PORTS
    bridge_id: UUID | None = None


def check_scope(scope: NetworkScope, allowed: Iterable[str]) -> None:
    """Refuse what cannot be read, what is not allowed, and what is too much. Pointers are into the body."""
    lists = tuple(ip_network(text) for text in allowed)
    if not scope.ranges:
        raise _refused("Name at least one range.", "/ranges")
    for number, text in enumerate(scope.ranges):
        pointer = f"/ranges/{number}"
        outside = [network for network in networks(text, pointer) if not _within(network, lists)]
        if outside:
            raise _refused(f"{text} is not within what an administrator allows to be looked at.", pointer)
    if not scope.ports:
        raise _refused("Name at least one port.", "/ports")
    if sum(1 for _ in islice(endpoints(scope), MOST_ENDPOINTS + 1)) > MOST_ENDPOINTS:
        detail = f"One discovery looks at no more than {MOST_ENDPOINTS:,} endpoints: ask for smaller ranges."
        raise _refused(detail, "/ranges")


def endpoints(scope: NetworkScope) -> Iterator[str]:
    """Every `address:port` once, address by address."""
    ports = tuple(dict.fromkeys(scope.ports))
    for address in addresses(scope):
        yield from (str(Endpoint(str(address), port)) for port in ports)


def addresses(scope: NetworkScope) -> Iterator[IPv4Address | IPv6Address]:
    """Every address once; of a network with a prefix, its hosts."""
    seen: set[IPv4Address | IPv6Address] = set()
    for text in scope.ranges:
        for network in networks(text):
            for address in network.hosts() if "/" in text else network:
                if address not in seen:
                    seen.add(address)
                    yield address


def networks(text: str, pointer: str = "/ranges") -> tuple[Network, ...]:
    """The networks of `10.0.0.0/24`, `10.0.0.7`, `10.0.0.7-10.0.0.20`. Refused(validation-failed)."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            return tuple(summarize_address_range(ip_address(first.strip()), ip_address(last.strip())))  # type: ignore[type-var,unused-ignore]
        return (ip_network(text),)
    except (ValueError, TypeError):
        detail = f"{text!r} is no range of IP addresses, such as 10.0.0.0/24, 10.0.0.7 or 10.0.0.7-10.0.0.20."
        raise _refused(detail, pointer) from None


def _within(network: Network, allowed: Iterable[Network]) -> bool:
    if isinstance(network, IPv6Network):
        return any(isinstance(each, IPv6Network) and network.subnet_of(each) for each in allowed)
    return any(isinstance(each, IPv4Network) and network.subnet_of(each) for each in allowed)


def _refused(detail: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, detail, pointer=pointer)
