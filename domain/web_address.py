"""Where messages may be posted to: an http or https URL (RFC 3986) whose host has one spelling, as endpoints have."""

import re
from urllib.parse import urlsplit

from domain.endpoint import Endpoint, parse_endpoint
from domain.errors import Code, Refused

LONGEST = 2_000
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_FORBIDDEN = re.compile(r'[\\"<>^`{|}]')
_PORTS = {"http": 80, "https": 443}


def parse_web_address(text: str, *, pointer: str) -> str:
    """The URL with scheme and host in lower case and without a port that is the scheme's own. Raises Refused.

    Credentials in it are refused: it stands in the ledger, and in every list.
    """
    if len(text) > LONGEST or not _PRINTABLE.fullmatch(text) or _FORBIDDEN.search(text):
        raise _refused(f"Write a URL of at most {LONGEST} ASCII characters, without spaces.", pointer)
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() not in _PORTS:
        raise _refused("Write a URL that begins with https:// (or http://).", pointer)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _refused("This is no valid URL.", pointer) from None
    if "@" in parts.netloc:
        raise _refused("Leave user name and password out of the URL: it is shown in lists and in the ledger.", pointer)
    if "#" in text:
        raise _refused("Leave the part from # on out of the URL: it is never sent.", pointer)
    host = str(_endpoint(parts.netloc, _PORTS[parts.scheme], pointer)).removesuffix(f":{_PORTS[parts.scheme]}")
    return f"{parts.scheme}://{host}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def endpoint_of(url: str) -> Endpoint:
    """Host and port of a URL that was parsed before."""
    parts = urlsplit(url)
    return _endpoint(parts.netloc, _PORTS[parts.scheme], "")


def _endpoint(netloc: str, usual: int, pointer: str) -> Endpoint:
    has_port = re.search(r":[0-9]*$", netloc) and not netloc.endswith("]")
    return parse_endpoint(netloc if has_port else f"{netloc}:{usual}", pointer=pointer)


def _refused(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
