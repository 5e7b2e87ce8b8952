"""Where a certificate is served: an IP address or host name, and a port. One spelling per endpoint, all others refused.

`10.0.0.1:443`, `[2001:db8::1]:443`, `host.name:443`; `smtp://host.name:25` where TLS begins only after some words of
another protocol (STARTTLS), as URLs have it: `smtp` is that, `smtps` would be TLS from the start. The many other
spellings of an address (`0x7f.1`, `2130706433`, `127.1`, `010.0.0.1`) never pass as a host name: a resolver would turn
them into addresses nobody wrote down.
"""

import re
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import msgspec

from domain.errors import Code, Refused

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_LONGEST = len("postgres://") + 253 + len(":65535")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.ASCII)  # RFC 3986, 3.1
_EXAMPLES = "10.0.0.1:443, [2001:db8::1]:443 or host.name:443"


class StartTls(StrEnum):
    """Protocols that begin in clear and go over to TLS when asked to. The names are those of `openssl s_client`, and
    what URLs begin with.
    """

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    LDAP = "ldap"
    POSTGRES = "postgres"
    MYSQL = "mysql"
    FTP = "ftp"
    NATS = "nats"


class Endpoint(msgspec.Struct, frozen=True):
    """`host`: an IPv4 address, an IPv6 address (RFC 5952, without brackets) or a lower-case host name. `starttls`: what
    is spoken before TLS; None: TLS from the first byte.
    """

    host: str
    port: int
    starttls: StartTls | None = None

    def __str__(self) -> str:
        place = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        return f"{self.starttls}://{place}" if self.starttls else place


def parse_endpoint(text: str, *, pointer: str) -> Endpoint:
    """The endpoint of its text form. Raises Refused(validation-failed) with `pointer` and a sentence otherwise."""
    if len(text) > _LONGEST or not text.isascii() or any(c <= " " or c == "\x7f" for c in text):
        raise _refused(f"Write an endpoint like {_EXAMPLES}, without spaces; host names in their ASCII form.", pointer)
    if found := _SCHEME.fullmatch(text):
        return _place(found[2], _starttls(found[1].lower(), pointer), pointer)
    return _place(text, None, pointer)


def _place(text: str, starttls: StartTls | None, pointer: str) -> Endpoint:
    if "/" in text or "@" in text:
        raise _refused(f"Write the endpoint alone, like {_EXAMPLES}, not an address of a page.", pointer)
    if text.startswith("["):
        host, closed, port = text[1:].partition("]:")
        if not closed:
            raise _refused(f"The endpoint needs a port after the bracket, like {_EXAMPLES}.", pointer)
        return Endpoint(_ipv6(host, pointer), _port(port, pointer), starttls)
    host, colon, port = text.rpartition(":")
    if not colon:
        raise _refused(f"The endpoint needs a port, like {_EXAMPLES}.", pointer)
    if ":" in host:
        raise _refused(f"Write an IPv6 address in brackets, like {_EXAMPLES}.", pointer)
    return Endpoint(_ipv4_or_name(host.lower(), pointer), _port(port, pointer), starttls)


def _starttls(scheme: str, pointer: str) -> StartTls:
    try:
        return StartTls(scheme)
    except ValueError:
        known = ", ".join(StartTls)
        sentence = f"Write the endpoint alone, like {_EXAMPLES}; before :// stands what is spoken before TLS: {known}."
        raise _refused(sentence, pointer) from None


def host_name(text: str) -> str | None:
    """The lower-case host name (RFC 1123, 2.1: letters, digits, hyphens), or None when it is none.

    A name whose last label is a number is none: URL parsers and resolvers read it as an IPv4 address.
    """
    name = text.lower()
    labels = name.split(".")
    if not text.isascii() or len(name) > 253 or not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
        return None
    return name


def parse_server_name(text: str, *, pointer: str) -> str:
    """The name a client asks for (SNI, RFC 6066, section 3): a host name, never an address. Raises Refused."""
    name = host_name(text)
    if name is None:
        raise _refused("A server name is a host name like www.example.org, in its ASCII form.", pointer)
    return name


def _ipv4_or_name(host: str, pointer: str) -> str:
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise _refused("Write an IPv4 address as four decimal numbers, like 10.0.0.1.", pointer) from None
    name = host_name(host)
    if name is None:
        raise _refused("The host name may hold letters, digits, hyphens and dots between its labels only.", pointer)
    return name


def _ipv6(host: str, pointer: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        raise _refused("There is no valid IPv6 address between the brackets.", pointer) from None
    if address.scope_id is not None:
        raise _refused("An IPv6 address with a zone means something on one machine only; leave the zone out.", pointer)
    if address.ipv4_mapped is not None:
        raise _refused(f"Write the IPv4 address itself: {address.ipv4_mapped}.", pointer)
    return str(address)


def _port(text: str, pointer: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise _refused("The port must be a number from 1 to 65535.", pointer)
    return int(text)


def _refused(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
