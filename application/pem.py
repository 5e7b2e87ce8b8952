"""DER to PEM (RFC 7468): base64 in lines of 64 characters between labels."""

import base64
import textwrap
from collections.abc import Iterable


def encode(label: str, der: bytes) -> str:
    """One PEM block, with its final newline."""
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def certificates(ders: Iterable[bytes]) -> str:
    """Certificates one after the other, in the given order."""
    return "".join(encode("CERTIFICATE", der) for der in ders)
