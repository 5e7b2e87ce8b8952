"""Network discovery: which ranges may be looked at, and what they are made of."""

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, Refused
from domain.network_scope import MOST_ENDPOINTS, NetworkScope, addresses, check_scope, endpoints

ALLOWED = ("10.0.0.0/16", "192.168.7.0/24", "2001:db8::/64")


def scope(*ranges: str, ports: tuple[int, ...] = (443,)) -> NetworkScope:
    return NetworkScope(ranges=ranges, ports=ports)


def refused(wanted: NetworkScope, allowed: tuple[str, ...] = ALLOWED) -> Refused:
    with pytest.raises(Refused) as caught:
        check_scope(wanted, allowed)
    assert caught.value.code is Code.VALIDATION_FAILED
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/30", ["10.0.0.1:443", "10.0.0.2:443"]),
        ("10.0.0.4/31", ["10.0.0.4:443", "10.0.0.5:443"]),
        ("10.0.0.7", ["10.0.0.7:443"]),
        ("10.0.0.7/32", ["10.0.0.7:443"]),
        ("10.0.0.254-10.0.1.1", ["10.0.0.254:443", "10.0.0.255:443", "10.0.1.0:443", "10.0.1.1:443"]),
        ("2001:db8::1", ["[2001:db8::1]:443"]),
    ],
)
def test_the_endpoints_of_a_range(text: str, expected: list[str]) -> None:
    """Networks, single addresses, and from one to another; the network's own name and its broadcast are no hosts."""
    check_scope(scope(text), ALLOWED)
    assert list(endpoints(scope(text))) == expected


def test_nothing_is_looked_at_twice() -> None:
    """Ranges that overlap and ports that repeat: every endpoint once, address by address."""
    wanted = scope("10.0.0.1-10.0.0.2", "10.0.0.2", ports=(443, 8443, 443))
    assert list(endpoints(wanted)) == ["10.0.0.1:443", "10.0.0.1:8443", "10.0.0.2:443", "10.0.0.2:8443"]


OUTSIDE = ("10.1.0.1", "10.0.0.0/8", "10.0.255.250-10.1.0.5", "192.168.8.1", "0.0.0.0/0", "127.0.0.1")
ODD = ("169.254.169.254", "::ffff:10.0.0.1", "2001:db8::/48", "::1")


@pytest.mark.parametrize("text", [*OUTSIDE, *ODD])
def test_outside_of_the_allow_list(text: str) -> None:
    """Not only where all of it lies outside: a part is enough, and an IPv4 address in IPv6 clothes is none of ours."""
    problem = refused(scope("10.0.0.1", text))
    assert problem.pointer == "/ranges/1"
    assert "allows" in problem.detail


def test_without_an_allow_list_no_network_is_looked_at() -> None:
    """Deny by default."""
    refused(scope("10.0.0.1"), ())


NO_RANGES = ("", "10.0.0.1/24", "10.0.0", "10.0.0.5-10.0.0.1", "10.0.0.1-2001:db8::1", "host.example", "010.0.0.1")


@pytest.mark.parametrize("text", [*NO_RANGES, "1-2-3", "10.0.0.1-"])
def test_what_is_no_range(text: str) -> None:
    """Host bits, names, odd spellings, the wrong way round: pointed at."""
    assert refused(scope(text)).pointer == "/ranges/0"


def test_a_discovery_has_its_measure() -> None:
    """The last one that fits is looked at, one more is refused; nobody counts to the end of IPv6 for it."""
    check_scope(scope("10.0.0.0-10.0.15.255"), ALLOWED)
    assert MOST_ENDPOINTS == sum(1 for _ in endpoints(scope("10.0.0.0-10.0.15.255")))
    assert refused(scope("10.0.0.0-10.0.16.0")).pointer == "/ranges"
    assert refused(scope("2001:db8::/64")).pointer == "/ranges"
    assert refused(scope()).pointer == "/ranges"
    assert refused(scope("10.0.0.1", ports=())).pointer == "/ports"


@given(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 64), st.sampled_from(["10.0.0.0/8", "128.0.0.0/1"]))
def test_whatever_passes_lies_within(first: IPv4Address, length: int, allowed: str) -> None:
    """A law: of a scope that is not refused, every address is on the allow-list."""
    last = ip_address(min(int(first) + length, 2**32 - 1))
    wanted = scope(f"{first}-{last}")
    try:
        check_scope(wanted, (allowed,))
    except Refused:
        assert any(address not in ip_network(allowed) for address in (first, last))
    else:
        assert all(address in ip_network(allowed) for address in addresses(wanted))
