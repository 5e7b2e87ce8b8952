"""Which addresses may be probed (server-side request forgery, CWE-918).

Ordinary addresses may, private networks (RFC 1918, RFC 4193) among them: that is where target systems are. Loopback,
link-local, cloud metadata, unspecified, multicast, reserved ones may only when an administrator has listed them. IPv6
addresses that carry an IPv4 address are judged by that one too, since that is where packets may end up.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network: Linux connects 0.0.0.0 to itself (RFC 1122, 3.2.1.3)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "192.0.0.0/24",  # protocol assignments; metadata of Oracle Cloud is in it
        "224.0.0.0/4",
        "240.0.0.0/4",
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # Azure's platform services
        "::/128",
        "::1/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::/32",  # metadata of AWS
        "100::/64",  # discard-only
        "64:ff9b:1::/48",  # NAT64 with a prefix of local choice (RFC 8215): nobody can tell where IPv4 begins in it
    )
)
_MAPPED, _COMPATIBLE = IPv6Network("::ffff:0:0/96"), IPv6Network("::/96")
_SIX_TO_FOUR, _TEREDO = IPv6Network("2002::/16"), IPv6Network("2001::/32")
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


class AddressPolicy:
    """`listed`: networks an administrator allows on top; `only_listed`: and no others."""

    def __init__(self, listed: Iterable[Network] = (), *, only_listed: bool = False) -> None:
        self._listed = tuple(listed)
        self._only_listed = only_listed

    def allows(self, address: Address) -> bool:
        """May a connection go to this address, whatever it was resolved from?"""
        return all(map(self._allows_one, reached_by(address)))

    def _allows_one(self, address: Address) -> bool:
        if _within(address, self._listed):
            return True
        return not self._only_listed and not _within(address, _SPECIAL)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """`127.0.0.0/8`, `::1`, `10.1.2.3`. Raises ValueError, which quotes the wrong text."""
    return tuple(ip_network(text.strip()) for text in texts)


def reached_by(address: Address) -> tuple[Address, ...]:
    """The addresses a packet to `address` may reach: itself, and IPv4 addresses embedded in it.

    RFC 4291 (mapped, compatible), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 6052 (NAT64), RFC 5214 (ISATAP).
    """
    if isinstance(address, IPv4Address):
        return (address,)
    if address in _MAPPED:
        return (_last(address),)  # the kernel itself connects to the IPv4 address
    return (IPv6Address(int(address)), *_embedded(address))  # without its zone


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    number = int(address)
    if address in _SIX_TO_FOUR:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in _TEREDO:
        yield IPv4Address(number >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~number & 0xFFFFFFFF)
    compatible = address in _COMPATIBLE and number > 1
    if compatible or address in _NAT64 or number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield _last(address)


def _last(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
