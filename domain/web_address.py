"""Where messages may be posted to: an http or https URL (RFC 3986) whose host has one spelling, as endpoints have."""

import re

from domain.endpoint import Endpoint, parse_endpoint
from domain.errors import Code, Refused

LONGEST = 2_000
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_FORBIDDEN = re.compile(r'[\\"<>^`{|}]')
_URL = re.compile(r"([A-Za-z]+)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.ASCII)  # RFC 3986, appendix B
_PORTS = {"http": 80, "https": 443}


def parse_web_address(text: str, *, pointer: str) -> str:
    """The URL with scheme and host in lower case and without a port that is the scheme's own. Raises Refused.

    Credentials in it are refused: it stands in the ledger, and in every list.
    """
    if len(text) > LONGEST or not _PRINTABLE.fullmatch(text) or _FORBIDDEN.search(text):
        raise _refused(f"Write a URL of at most {LONGEST} ASCII characters, without spaces.", pointer)
    found = _URL.fullmatch(text)
    if found is None or found[1].lower() not in _PORTS:
        raise _refused("Write a URL that begins with https:// (or http://).", pointer)
    scheme, authority, path, query, fragment = found.groups("")
    if "@" in authority:
        raise _refused("Leave user name and password out of the URL: it is shown in lists and in the ledger.", pointer)
    if fragment:
        raise _refused("Leave the part from # on out of the URL: it is never sent.", pointer)
    usual = _PORTS[scheme.lower()]
    place = str(_endpoint(authority, usual, pointer)).removesuffix(f":{usual}")
    return f"{scheme.lower()}://{place}{path or '/'}{query if query != '?' else ''}"


def endpoint_of(url: str) -> Endpoint:
    """Host and port of a URL that was parsed before."""
    found = _URL.fullmatch(url)
    assert found is not None
    return _endpoint(found[2], _PORTS[found[1]], "")


def _endpoint(authority: str, usual: int, pointer: str) -> Endpoint:
    has_port = re.search(r":[0-9]*$", authority) and not authority.endswith("]")
    return parse_endpoint(authority if has_port else f"{authority}:{usual}", pointer=pointer)


def _refused(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
