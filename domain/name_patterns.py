"""Patterns over the names of certificates, in the words of name constraints (RFC 5280, 4.2.1.10).

`example.org`: this domain and everything below it; `*.example.org`: only what lies below it; `10.0.0.0/8`: the
addresses of a network; `*`: every name. Of a mail address and of a URI the host counts.
"""

import ipaddress
import re

from domain.endpoint import host_name
from domain.errors import Code, Refused

EVERYTHING = "*"
_AUTHORITY = re.compile(r"://(?:[^/?#]*@)?(?:\[(?P<address>[^\]/?#]*)\]|(?P<host>[^\[:/?#]*))(?::\d*)?(?=[/?#]|$)")
"""RFC 3986, 3.2."""
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_pattern(text: str, *, pointer: str) -> str:
    """The one spelling of a pattern. Raises Refused(validation-failed) for anything else."""
    if text == EVERYTHING:
        return text
    if (network := _network(text)) is not None:
        return str(network)
    name = host_name(text.removeprefix("*."))
    if name is None:
        sentence = "Write a domain (example.org, *.example.org), a network (10.0.0.0/8) or * for every name."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
    return f"*.{name}" if text.startswith("*.") else name


def host_of(name: str) -> str:
    """What patterns are held against: lower case, addresses in their shortest form."""
    text = name.strip()
    if "://" in text:
        text = _host_of_uri(text)
    text = text.rpartition("@")[2].lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def lies_within(name: str, pattern: str) -> bool:
    """Is everything that the name stands for matched by the pattern? Both in their one spelling."""
    if pattern == EVERYTHING:
        return True
    if (network := _network(pattern)) is not None:
        address = _address(name)
        return address is not None and address in network
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return name == pattern or name.endswith(f".{pattern}")


def touches(name: str, pattern: str) -> bool:
    """Is anything that the name stands for matched? A wildcard stands for every name that is one label longer."""
    if lies_within(name, pattern):
        return True
    return name.startswith("*.") and pattern.partition(".")[2] == name[2:] and not pattern.startswith("*.")


def _host_of_uri(text: str) -> str:
    found = _AUTHORITY.search(text)
    return (found["address"] or found["host"]) if found is not None else text


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
