"""What one X.509 certificate says, as an immutable value (domain page, "CertificateFacts"; RFC 5280).

Made by `adapters.x509.parsing`, stored in events, never changed. Texts hold no control characters.
"""

from datetime import datetime
from enum import StrEnum

import msgspec


class Usage(StrEnum):
    """What TLS role the extended key usage allows (RFC 5280, 4.2.1.12).

    Without the extension, and with `anyExtendedKeyUsage`, a certificate serves for both. `other` is a certificate
    for neither role (code signing, time stamping): discovery finds such ones, no push takes them for server or client.
    """

    SERVER = "server"
    CLIENT = "client"
    BOTH = "both"
    OTHER = "other"


class CertificateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed description of a certificate.

    `subject`, `issuer`: RFC 4514 strings ("" for an empty name).
    `common_name`: the most specific CN of the subject, else the first subject alternative name, else "".
    `issuer_common_name`: the most specific CN of the issuer, else "".
    `subject_alternative_names`: DNS names, IP addresses, email addresses and URIs, in the certificate's order.
    `serial_number`: lower-case hex, two digits per byte, as `openssl x509 -serial` prints it but for the case.
    `fingerprint_sha256`: SHA-256 of the DER, 64 lower-case hex digits.
    `algorithm`: `rsa-<bits>`, `ec-256`, `ec-384`, `ec-521`, `ec-<curve name>` for other curves, `ed25519`, `ed448`.
    `digest`: the signature's hash (`sha256`, `sha384` ...), `none` where the signature has none apart (Ed25519).
    `not_before`, `not_after`: UTC; both ends belong to the validity (RFC 5280, 4.1.2.5).
    `is_ca`: basicConstraints says CA.
    `subject_key_id`, `authority_key_id`: lower-case hex, None where the extension or its key id is missing.
    """

    subject: str
    common_name: str
    subject_alternative_names: tuple[str, ...]
    issuer: str
    issuer_common_name: str
    serial_number: str
    fingerprint_sha256: str
    algorithm: str
    digest: str
    not_before: datetime
    not_after: datetime
    usage: Usage
    is_ca: bool
    subject_key_id: str | None = None
    authority_key_id: str | None = None
