"""Names as certificates and requests carry them, and as plain strings."""

import unicodedata
from collections.abc import Iterable

from cryptography import x509
from cryptography.x509.oid import NameOID

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PLAIN = (x509.DNSName, x509.IPAddress, x509.RFC822Name, x509.UniformResourceIdentifier)


def named(common_name: str) -> x509.Name:
    """A distinguished name of one CN."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def common_name_of(name: x509.Name) -> str:
    """The most specific CN, which is the last one (RFC 6125, 1.8); "" where there is none."""
    values = [str(attribute.value) for attribute in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return values[-1] if values else ""


def alternative_names(extensions: x509.Extensions) -> tuple[str, ...]:
    """DNS names, addresses, mail addresses and URIs of the subject alternative name; other kinds are left out."""
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return plain_names(names)


def plain_names(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """The same of names that are known already."""
    return tuple(str(name.value) for name in names if isinstance(name, _PLAIN))


def is_plain(text: Iterable[str]) -> bool:
    """No control characters, line separators, surrogates or bidirectional overrides: safe in a log line and a page."""
    if isinstance(text, str) and text.isascii() and text.isprintable():
        return True  # nearly always
    return not any(c in _BIDI or unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text)
