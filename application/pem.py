"""DER to PEM (RFC 7468): base64 in lines of 64 characters between labels."""

import base64
from collections.abc import Iterable


def encode(label: str, der: bytes) -> str:
    """One PEM block, with its final newline."""
    text = base64.b64encode(der).decode("ascii")
    body = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def certificates(ders: Iterable[bytes]) -> str:
    """Certificates one after the other, in the given order."""
    return "".join(encode("CERTIFICATE", der) for der in ders)
