"""Which addresses may be probed, however they are written."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.probing.policy import AddressPolicy, parse_networks, reached_by


@pytest.mark.parametrize("text", ["10.0.0.1", "172.16.5.4", "192.168.1.1", "8.8.8.8", "fd12::1", "2001:4860::8888"])
def test_ordinary_and_private_addresses_are_allowed(text: str) -> None:
    """Target systems live in private networks: RFC 1918 and RFC 4193 need no listing."""
    assert AddressPolicy().allows(ip_address(text))


SPECIAL = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "224.0.0.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("::", "::1", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "fd00:ec2::254", "100::1"),
]
DRESSED = [
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::127.0.0.1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::127.0.0.1",
    "64:ff9b:1:a00:0:100::",
    "2001:0:7f00:1::",
    f"2001:0:808:808:0:0:{0x7F00 ^ 0xFFFF:x}:{0x0001 ^ 0xFFFF:x}",
    "2001:db8::5efe:127.0.0.1",
    "2001:db8::200:5efe:127.0.0.1",
]


@pytest.mark.parametrize("text", [*SPECIAL, *DRESSED])
def test_special_addresses_are_refused_unless_listed(text: str) -> None:
    """Loopback, link-local, metadata, multicast ... in clear or inside an IPv6 address: only on an admin's word."""
    address = ip_address(text)
    assert not AddressPolicy().allows(address)
    assert AddressPolicy(parse_networks(["0.0.0.0/0", "::/0"])).allows(address)


def test_listing_is_exact() -> None:
    """What is listed is allowed, its neighbours are not; a mapped address counts as the IPv4 address it is."""
    policy = AddressPolicy(parse_networks(["127.0.0.1", "fe80::/64"]))
    allowed = [policy.allows(ip_address(text)) for text in ("127.0.0.1", "::ffff:127.0.0.1", "fe80::1")]
    refused = [policy.allows(ip_address(text)) for text in ("127.0.0.2", "::1", "fe80:0:0:1::1", "2002:7f00:2::")]
    assert ([True] * 3, [False] * 4) == (allowed, refused)


def test_a_strict_list_allows_nothing_else() -> None:
    """An administrator can close the door: only listed networks, and no trick around it."""
    policy = AddressPolicy(parse_networks(["10.1.0.0/16", "2002::/16"]), only_listed=True)
    assert policy.allows(ip_address("10.1.2.3"))
    assert policy.allows(ip_address("2002:a01:203::1"))
    for text in ("10.2.0.1", "8.8.8.8", "127.0.0.1", "2002:808:808::1", "::ffff:10.2.0.1"):
        assert not policy.allows(ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_dress_makes_an_address_more_allowed(address: object) -> None:
    """For every IPv4 address: mapped, 6to4, NAT64 and ISATAP forms are allowed only if it is itself."""
    number = int(str(address).split(".")[0]) << 24 | int.from_bytes(
        bytes(int(part) for part in str(address).split(".")[1:]), "big"
    )
    plain = AddressPolicy().allows(ip_address(str(address)))
    forms = (
        0xFFFF << 32 | number,
        0x2002 << 112 | number << 80,
        0x64FF9B << 96 | number,
        0x20010DB8 << 96 | 0x5EFE << 32 | number,
    )
    for form in forms:
        assert plain or not AddressPolicy().allows(ip_address(form.to_bytes(16, "big")))
        assert ip_address(str(address)) in reached_by(ip_address(form.to_bytes(16, "big")))


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "300.0.0.0/8", "localhost", "10.0.0.0/33", "127.1"])
def test_malformed_networks_are_refused(text: str) -> None:
    """A typing error in the allow-list stops the start instead of allowing something else."""
    with pytest.raises(ValueError, match=r"does not appear|has host bits set"):
        parse_networks([text])
