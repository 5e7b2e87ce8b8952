"""Patterns over names, in the words of name constraints (RFC 5280, 4.2.1.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Code, Refused
from domain.name_patterns import host_of, lies_within, parse_pattern, touches

LABELS = st.sampled_from(["a", "www", "example", "org", "*"])
NAMES = st.lists(LABELS.filter(lambda label: label != "*"), min_size=1, max_size=4).map(".".join)
PATTERNS = st.one_of(st.just("*"), NAMES, NAMES.map(lambda name: f"*.{name}"))


@pytest.mark.parametrize(
    ("name", "pattern", "within"),
    [
        ("example.org", "example.org", True),
        ("a.b.example.org", "example.org", True),
        ("*.example.org", "example.org", True),
        ("badexample.org", "example.org", False),
        ("example.org.evil.com", "example.org", False),
        ("example.org", "*.example.org", False),
        ("www.example.org", "*.example.org", True),
        ("*.example.org", "*.example.org", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("www.example.org", "10.0.0.0/8", False),
        ("10.1.2.3", "example.org", False),
        ("anything", "*", True),
    ],
)
def test_what_lies_within_a_pattern(name: str, pattern: str, within: bool) -> None:
    """The domain itself and what is below it; only what is below it; a network; everything."""
    assert within is lies_within(name, pattern)


def test_a_wildcard_touches_the_one_name_it_could_stand_for() -> None:
    """`*.example.org` serves for www.example.org, so what is said about that host concerns it; one label only."""
    assert touches("*.example.org", "www.example.org")
    assert not touches("*.example.org", "a.b.example.org")
    assert not touches("*.example.org", "*.www.example.org")
    assert not touches("www.example.org", "shop.example.org")


@given(NAMES, PATTERNS)
def test_what_lies_within_touches(name: str, pattern: str) -> None:
    """Of names and of wildcards."""
    for each in (name, f"*.{name}"):
        assert touches(each, pattern) or not lies_within(each, pattern)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("WWW.Example.ORG.", "www.example.org"),
        ("rita@Example.org", "example.org"),
        ("https://user:secret@www.example.org:8443/path", "www.example.org"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("ldap://[2001:db8::1]:389", "2001:db8::1"),
        ("spiffe://example.org/workload", "example.org"),
        ("https://[broken", "https://[broken"),
    ],
)
def test_the_host_of_a_name(text: str, host: str) -> None:
    """Of addresses of mail and of pages the host counts; spelling does not."""
    assert host == host_of(text)


def test_patterns_have_one_spelling() -> None:
    """Lower case, networks as they are written; everything else is refused where it stands."""
    assert ("*", "example.org", "*.example.org", "10.0.0.0/8", "10.0.0.1/32") == tuple(
        parse_pattern(text, pointer="/p") for text in ("*", "Example.ORG", "*.EXAMPLE.org", "10.0.0.0/8", "10.0.0.1")
    )
    for text in ("", "*.", "www.*.org", "**", ".example.org", "exa mple", "10.0.0.1/8", "a..b", "https://x.org"):
        with pytest.raises(Refused) as caught:
            parse_pattern(text, pointer="/p")
        assert (Code.VALIDATION_FAILED, "/p") == (caught.value.code, caught.value.pointer)
