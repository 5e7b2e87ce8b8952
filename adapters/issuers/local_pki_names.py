"""Which names Local PKI certifies, and how they stand in the certificate (RFC 5280, 4.2.1.6; RFC 9525)."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable

import msgspec
from cryptography import x509

from adapters.x509.building import MAX_COMMON_NAME
from adapters.x509.names import is_plain, named
from application.issuer_ports import IssuanceRequest
from domain.certificate_facts import Usage
from domain.endpoint import host_name
from domain.errors import Code, Refused

MAX_NAMES = 100
_COMMON_NAME, _NAMES = "/common_name", "/subject_alternative_names"
_MAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9.-]+)", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)


class CertifiedNames(msgspec.Struct, frozen=True):
    """The subject (empty when there is no CN, or one too long for X.509) and the alternative names."""

    subject: x509.Name
    alternative: tuple[x509.GeneralName, ...]


def certified_names(request: IssuanceRequest) -> CertifiedNames:
    """Check every name and put each where it belongs. Raises Refused at the field to blame."""
    if request.usage is Usage.CLIENT:
        return _client_names(request)
    wanted = [(_COMMON_NAME, request.common_name)] if request.common_name else []
    wanted += [(f"{_NAMES}/{n}", name) for n, name in enumerate(request.names)]
    if not wanted:
        raise _refused("A server certificate needs at least one DNS name or IP address.", _NAMES)
    first = {name: pointer for pointer, name in reversed(wanted)}  # the common name stands among the names, too
    names = _distinct(_server_name(name, first[name]) for name in dict.fromkeys(name for _, name in wanted))
    return CertifiedNames(_subject(request.common_name.lower()), names)


def _client_names(request: IssuanceRequest) -> CertifiedNames:
    if not request.common_name and not request.names:
        raise _refused("A client certificate needs a common name or an alternative name.", _COMMON_NAME)
    if len(request.common_name) > MAX_COMMON_NAME or not is_plain(request.common_name):
        raise _refused(f"A common name has at most {MAX_COMMON_NAME} characters, none of them control.", _COMMON_NAME)
    names = _distinct(_client_name(name, f"{_NAMES}/{n}") for n, name in enumerate(request.names))
    return CertifiedNames(_subject(request.common_name), names)


def _subject(common_name: str) -> x509.Name:
    return named(common_name) if 0 < len(common_name) <= MAX_COMMON_NAME else x509.Name([])


def _distinct(names: Iterable[x509.GeneralName]) -> tuple[x509.GeneralName, ...]:
    found = tuple(dict.fromkeys(names))
    if len(found) > MAX_NAMES:
        raise _refused(f"A certificate names at most {MAX_NAMES} names.", _NAMES)
    return found


def _server_name(text: str, pointer: str) -> x509.GeneralName:
    name = _address(text) or _dns(text)
    if name is None:
        raise _refused(
            "This is neither a DNS name (letters, digits, hyphens; *. only in front of two labels; names in other "
            "scripts in their xn-- form) nor an IP address.",
            pointer,
        )
    return name


def _client_name(text: str, pointer: str) -> x509.GeneralName:
    mail = _MAIL.fullmatch(text)
    if mail and host_name(mail[1]):
        return x509.RFC822Name(text)
    if _URI.fullmatch(text):
        return x509.UniformResourceIdentifier(text)
    return _server_name(text, pointer)


def _address(text: str) -> x509.GeneralName | None:
    if ":" not in text and not text[-1:].isdigit():
        return None  # nearly always: an exception takes longer than all the rest
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else x509.IPAddress(address)


def _dns(text: str) -> x509.GeneralName | None:
    wildcard, rest = text.startswith("*."), text.removeprefix("*.")
    name = host_name(rest)
    if name is None or not all(map(_is_dns_label, name.split("."))) or (wildcard and "." not in name):
        return None
    full = f"*.{name}" if wildcard else name
    return x509.DNSName(full) if len(full) <= 253 else None


def _is_dns_label(label: str) -> bool:
    """RFC 5890, 2.3.1: `--` in the third and fourth place is for A-labels only, and those must mean something."""
    if label[2:4] != "--":
        return True
    if not label.startswith("xn--"):
        return False
    try:
        text = label[4:].encode("ascii").decode("punycode")
        again = text.encode("punycode").decode("ascii")
    except (UnicodeError, OverflowError):
        return False
    return again == label[4:] and not text.isascii() and unicodedata.is_normalized("NFC", text) and is_plain(text)


def _refused(sentence: str, pointer: str) -> Refused:
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)
