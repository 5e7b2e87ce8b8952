"""Which names Local PKI certifies, and where it puts them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from adapters.issuers.local_pki_names import certified_names
from adapters.keys.authorities import certificate_der
from adapters.x509.building import make_leaf, make_root, validity
from adapters.x509.names import named
from adapters.x509.parsing import parse_certificate
from adapters.x509.private_keys import spki
from application.issuer_ports import IssuanceRequest
from domain.certificate_facts import Usage
from domain.errors import Refused

_CA_KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = make_root(named("Root"), _CA_KEY, validity(datetime.now(UTC), timedelta(days=9)), path_length=0)
KEY = spki(ec.generate_private_key(ec.SECP256R1()))


def for_names(*names: str, common_name: str = "", usage: Usage = Usage.SERVER) -> IssuanceRequest:
    return IssuanceRequest(public_key=KEY, common_name=common_name, names=names, usage=usage, validity_days=1)


def refusal(request: IssuanceRequest) -> str | None:
    with pytest.raises(Refused) as caught:
        certified_names(request)
    return caught.value.pointer


def alternative(request: IssuanceRequest) -> list[object]:
    return [name.value for name in certified_names(request).alternative]


def test_a_servers_common_name_is_one_of_its_names() -> None:
    """The CN goes first among the alternative names, where clients look, once and in lower case."""
    request = for_names("b.example", "WWW.Example", common_name="Www.Example")
    assert ["www.example", "b.example"] == alternative(request)
    assert "CN=www.example" == certified_names(request).subject.rfc4514_string()


def test_a_clients_common_name_is_free_text() -> None:
    """A person's or device's name needs no alternative name, and mail addresses and URIs may stand there."""
    names = ("ann@example.org", "spiffe://example.org/worker", "a.example", "10.0.0.1")
    request = for_names(*names, common_name="Ann Bäcker", usage=Usage.CLIENT)
    assert names == tuple(str(value) for value in alternative(request))
    assert [] == alternative(for_names(common_name="Ann", usage=Usage.CLIENT))


@pytest.mark.parametrize(
    "name",
    [
        *("a.example", "localhost", "*.example.org", "xn--bcher-kva.example", "3com.example", "a-b.example"),
        *("10.0.0.1", "2001:db8::1", "a" * 63 + ".example"),
    ],
)
def test_good_server_names(name: str) -> None:
    """DNS names, A-labels, wildcards for the leftmost label, and addresses."""
    assert [name] == [str(value) for value in alternative(for_names(name))]


@pytest.mark.parametrize(
    "name",
    [
        *("", "under_score.example", "-a.example", "a-.example", "a..example", ".example", "example.", "a b.example"),
        *("*", "*.", "*.com", "a.*.example", "*a.example", "*.*.example", "**.example", "f*o.example"),
        *("bücher.example", "xn--.example", "xn--a.example", "xn--bücher.example", "ab--c.example", "XN--ZZZZZZZZ99.a"),
        *("a" * 64 + ".example", "a." * 127 + "ab", "127.1", "0x7f.1", "2130706433", "10.0.0.256", "010.0.0.1"),
        *("a\n.example", "a\0.example", "a.example\r\nX: y", "$(id).example", "a.example;b", "[::1]", "fe80::1%eth0"),
        *("10.0.0.0/8", "http://a.example", "ann@example.org", "a.example:443", "\u202egro.elpmaxe"),
    ],
)
def test_bad_server_names_are_refused(name: str) -> None:
    """What no resolver or client would accept, or read as something else, is not certified."""
    assert refusal(for_names("a.example", name)) == "/subject_alternative_names/1"


@pytest.mark.parametrize("name", ["a@b@c.example", "@a.example", "ann@under_score.example", "urn:a b", "urn:\nx"])
def test_bad_client_names_are_refused(name: str) -> None:
    """Mail addresses and URIs are checked as well."""
    assert refusal(for_names(name, usage=Usage.CLIENT)) == "/subject_alternative_names/0"


def test_names_are_needed_and_not_without_end() -> None:
    """At least one name, at most a hundred."""
    assert refusal(for_names()) == "/subject_alternative_names"
    assert refusal(for_names(usage=Usage.CLIENT)) == "/common_name"
    assert refusal(for_names(common_name="a\nb", usage=Usage.CLIENT)) == "/common_name"
    assert refusal(for_names(common_name="a" * 65, usage=Usage.CLIENT)) == "/common_name"
    assert refusal(for_names(common_name="not a name")) == "/common_name"
    assert refusal(for_names(*(f"a{n}.example" for n in range(101)))) == "/subject_alternative_names"


@given(
    st.lists(st.text(max_size=20) | st.from_regex(r"[a-z0-9*@:.-]{1,20}", fullmatch=True), max_size=4),
    st.text(max_size=70),
    st.sampled_from([Usage.SERVER, Usage.CLIENT, Usage.BOTH]),
)
def test_any_names_are_certified_or_refused(names: list[str], common_name: str, usage: Usage) -> None:
    """Whatever is asked for: the certificate reads back with these names, or there is a refusal."""
    request = for_names(*names, common_name=common_name, usage=usage)
    try:
        certified = certified_names(request)
    except Refused:
        return
    lasting = validity(datetime.now(UTC), timedelta(days=1))
    leaf = make_leaf(certified.subject, ROOT.key.public_key(), certified.alternative, usage, lasting, ROOT)
    found = parse_certificate(certificate_der(leaf)).facts
    assert tuple(str(name.value) for name in certified.alternative) == found.subject_alternative_names
    assert (usage, True) == (found.usage, found.common_name != "")
