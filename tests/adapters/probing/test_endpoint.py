"""An endpoint has one spelling; every other one is refused before a resolver can reinterpret it."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.endpoint import Endpoint, StartTls, host_name, parse_endpoint, parse_server_name
from domain.errors import Code, Refused


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse_endpoint(text, pointer="/endpoints/3")
    expected = Code.VALIDATION_FAILED, "/endpoints/3"
    assert expected == (caught.value.code, caught.value.pointer)
    return caught.value.detail


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (Endpoint("10.0.0.1", 443), "10.0.0.1:443"),
        (Endpoint("2001:db8::1", 8443), "[2001:db8::1]:8443"),
        (Endpoint("2001:db8::1", 8443), "[2001:0DB8:0:0:0:0:0:1]:8443"),
        (Endpoint("host.name", 1), "host.name:1"),
        (Endpoint("localhost", 65535), "LocalHost:65535"),
        (Endpoint("xn--bcher-kva.example", 443), "xn--bcher-kva.example:443"),
        (Endpoint("3com.com", 443), "3com.com:443"),
        (Endpoint("10.0.0.1", 25, StartTls.SMTP), "smtp://10.0.0.1:25"),
        (Endpoint("2001:db8::1", 389, StartTls.LDAP), "LDAP://[2001:db8::1]:389"),
        (Endpoint("db.example", 5432, StartTls.POSTGRES), "postgres://db.example:5432"),
    ],
)
def test_the_three_forms_are_read(expected: Endpoint, text: str) -> None:
    """IPv4, IPv6 in brackets, host name, and before them the protocol that TLS begins in; host names, protocols and
    IPv6 addresses come out in their one canonical spelling.
    """
    assert expected == parse_endpoint(text, pointer="")


@pytest.mark.parametrize(
    "host",
    [
        *("0x7f.1", "0x7f000001", "0x7F.0x0.0x0.0x1", "0X7f.0.0.1", "0x", "127.0.0.0x1", "0x7f.0.0.0x1", "a.0x1"),
        *("2130706433", "017700000001", "0177.0.0.1", "0177.0.0.01", "00127.0.0.1", "127.0.0.01", "010.0.0.1"),
        *("127.1", "127.0.1", "0", "1", "127.0.0.1.", "127.0.0.256", "1.2.3.4.5", "host.1", "256.256.256.256"),
        *("127.0.0.1.2130706433", "127..0.1", "127.0.0.", ".127.0.0.1", "0.0.0.0.0"),
    ],
)
def test_odd_spellings_of_ipv4_are_refused(host: str) -> None:
    """What inet_aton, browsers or resolvers read as an address does not pass as a host name or as another address."""
    assert refusal(f"{host}:443")


@pytest.mark.parametrize(
    ("says", "text"),
    [
        ("needs a port", "10.0.0.1"),
        ("needs a port", "host.name"),
        ("needs a port", "[2001:db8::1]"),
        ("needs a port", ""),
        ("in brackets", "2001:db8::1:443"),
        ("in brackets", "::1:443"),
        ("no valid IPv6", "[10.0.0.1]:443"),
        ("no valid IPv6", "[]:443"),
        ("no valid IPv6", "[[::1]]:443"),
        ("zone", "[fe80::1%eth0]:443"),
        ("10.0.0.1", "[::ffff:10.0.0.1]:443"),
        ("1 to 65535", "10.0.0.1:0"),
        ("1 to 65535", "10.0.0.1:65536"),
        ("1 to 65535", "10.0.0.1:0443"),
        ("1 to 65535", "10.0.0.1:+443"),
        ("1 to 65535", "10.0.0.1:https"),
        ("1 to 65535", "10.0.0.1:"),
        ("1 to 65535", "[::1]:44a"),
        ("host name", ":443"),
        ("host name", "*.example.org:443"),
        ("host name", "host..name:443"),
        ("host name", "host.name.:443"),
        ("host name", "-host:443"),
        ("host name", "host-:443"),
        ("host name", "under_score:443"),
        ("host name", f"{'a' * 64}.example:443"),
        ("host name", "$(id):443"),
        ("host name", "a;b:443"),
        ("four decimal", "127%2e0.0.1:443"),
        ("host name", "host%2ename:443"),
        ("alone", "https://host.name:443"),
        ("smtp, imap", "smtps://host.name:465"),
        ("smtp, imap", "postgresql://host.name:5432"),
        ("alone", "smtp://user@host.name:25"),
        ("alone", "smtp://smtp://host.name:25"),
        ("needs a port", "smtp://host.name"),
        ("four decimal", "ldap://127.1:389"),
        ("alone", "user@host.name:443"),
        ("without spaces", " 10.0.0.1:443"),
        ("without spaces", "10.0.0.1 :443"),
        ("without spaces", "10.0.0.1:443\n"),
        ("without spaces", "10.0.0.1\t:443"),
        ("without spaces", "10.0.0.1\0:443"),
        ("without spaces", "10.0.0.1:443\x7f"),
        ("ASCII", "１２７.0.0.1:443"),
        ("ASCII", "127。0。0。1:443"),
        ("ASCII", "bücher.example:443"),
        ("ASCII", "10.0.0.1:４４３"),
        ("ASCII", "\ud800:443"),
        ("ASCII", f"{'a.' * 200}b:443"),
    ],
)
def test_other_texts_are_refused_with_a_sentence(says: str, text: str) -> None:
    """Each refusal says what is wrong with what was written, at the field it was written in."""
    assert says in refusal(text)


@given(
    st.text(max_size=40)
    | st.from_regex(r"[a-z]{3,5}://[a-z.]{1,5}:[0-9]{1,6}", fullmatch=True)
    | st.from_regex(r"[0-9a-fx.\[\]:%]{1,30}:[0-9]{1,6}", fullmatch=True)
)
def test_parsing_answers_or_refuses_and_its_answer_reads_back(text: str) -> None:
    """Whatever is written: an endpoint that has exactly this one spelling, or a refusal."""
    try:
        found = parse_endpoint(text, pointer="")
    except Refused:
        return
    assert found == parse_endpoint(str(found), pointer="")
    assert str(found) == str(parse_endpoint(str(found), pointer=""))


@given(st.from_regex(r"[0-9a-fxX.]{1,20}", fullmatch=True))
def test_no_host_name_is_an_address_to_the_c_library(text: str) -> None:
    """glibc's inet_aton accepts every odd spelling: none of them is a host name here."""
    try:
        socket.inet_aton(text)
    except OSError:
        return
    assert host_name(text) is None


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_is_an_endpoint(address: IPv4Address | IPv6Address, port: int) -> None:
    """All canonical addresses are accepted but IPv4 ones dressed as IPv6."""
    if getattr(address, "ipv4_mapped", None) is not None:
        return
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    for wanted in (text, *(f"{protocol}://{text}" for protocol in StartTls)):
        assert wanted == str(parse_endpoint(wanted, pointer=""))


def test_server_names_are_host_names() -> None:
    """A server name comes out in lower case."""
    assert parse_server_name("WWW.Example.org", pointer="") == "www.example.org"


@pytest.mark.parametrize(
    "name", ["", "10.0.0.1", "::1", "*.example.org", "a b", "a\n", "bücher.example", "a.", "\u212a.a"]
)
def test_other_server_names_are_refused(name: str) -> None:
    """Addresses, wildcards, names in other scripts and what folds to ASCII (the Kelvin sign) cannot be asked for."""
    with pytest.raises(Refused) as caught:
        parse_server_name(name, pointer="/server_name")
    expected = Code.VALIDATION_FAILED, "/server_name"
    assert expected == (caught.value.code, caught.value.pointer)
