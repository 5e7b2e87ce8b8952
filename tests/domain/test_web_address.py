"""Where messages may be posted to: one spelling per place, everything else refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.endpoint import Endpoint
from domain.errors import Code, Refused
from domain.web_address import endpoint_of, parse_web_address


@pytest.mark.parametrize(
    ("text", "kept", "place"),
    [
        ("https://siem.example.org/hook", "https://siem.example.org/hook", "siem.example.org:443"),
        ("HTTPS://SIEM.example.org:443/Hook?a=B", "https://siem.example.org/Hook?a=B", "siem.example.org:443"),
        ("https://siem.example.org", "https://siem.example.org/", "siem.example.org:443"),
        ("http://10.0.0.1:8080/", "http://10.0.0.1:8080/", "10.0.0.1:8080"),
        ("http://10.0.0.1:80/x", "http://10.0.0.1/x", "10.0.0.1:80"),
        ("https://[2001:DB8::1]/x", "https://[2001:db8::1]/x", "[2001:db8::1]:443"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"),
    ],
)
def test_a_web_address_has_one_spelling(text: str, kept: str, place: str) -> None:
    """Scheme and host in lower case, no port that goes without saying; path and query as they are."""
    assert parse_web_address(text, pointer="/url") == kept
    assert parse_web_address(kept, pointer="/url") == kept
    assert str(endpoint_of(kept)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "siem.example.org/hook",
        "ftp://siem.example.org/",
        "file:///etc/passwd",
        "https:/siem.example.org/",
        "https://",
        "https:///hook",
        "https://user:password@siem.example.org/",
        "https://siem.example.org@127.0.0.1/",
        "https://siem.example.org/#part",
        "https://siem.example.org/a b",
        "https://siem.example.org/\r\nX-Evil: 1",
        "https://siem.example.org\\@127.0.0.1/",
        "https://bücher.example/",
        "https://siem.example.org:0/",
        "https://siem.example.org:65536/",
        "https://siem.example.org:x/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://siem_example.org/",
        "https://siem.example.org/" + "x" * 2_000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    """With the pointer of the field, and no echo of a password."""
    with pytest.raises(Refused) as refused:
        parse_web_address(text, pointer="/url")
    assert (refused.value.code, refused.value.pointer) == (Code.VALIDATION_FAILED, "/url")
    assert "password@" not in refused.value.detail


@given(st.text(max_size=60) | st.text(st.characters(codec="ascii"), max_size=60).map("https://".__add__))
def test_any_text_is_a_web_address_or_refused(text: str) -> None:
    """What is kept stays the same when it is parsed again, and names an endpoint."""
    try:
        kept = parse_web_address(text, pointer="")
    except Refused:
        return
    assert parse_web_address(kept, pointer="") == kept
    assert isinstance(endpoint_of(kept), Endpoint)
