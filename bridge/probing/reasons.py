"""Why a probe ended as it did: the closed list behind `Observation.reason`. Never a text of the peer's."""

import errno
from enum import StrEnum

_LOCAL = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})


class Reason(StrEnum):
    """`Observation.reason`; the first three come with a certificate, the others without."""

    LEGACY_PROTOCOL = "legacy_protocol"  # TLS 1.1 or older was all the server spoke; SSL 3: without a certificate
    LEGACY_CIPHER = "legacy_cipher"  # TLS 1.2 or later, but only with ciphers or keys that clients refuse today
    CLIENT_CERTIFICATE_REQUIRED = "client_certificate_required"  # shown its own, then wanted one of us

    INVALID_ENDPOINT = "invalid_endpoint"
    INVALID_SERVER_NAME = "invalid_server_name"
    REFUSED_BY_POLICY = "refused_by_policy"  # nothing was sent: an address is not on the allow-list
    NO_SUCH_NAME = "no_such_name"
    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    NO_ROUTE = "no_route"
    LOCAL_ERROR = "local_error"  # our machine could not open a connection (out of files, out of ports)
    CONNECTION_LOST = "connection_lost"
    NOT_TLS = "not_tls"  # something answers, but it does not speak TLS
    ANONYMOUS = "anonymous"  # TLS without any certificate
    UNRECOGNISED_NAME = "unrecognised_name"  # the server has nothing for this server name (alert 112)
    TLS_ALERT = "tls_alert"
    TLS_ERROR = "tls_error"  # what the server sent is no valid handshake, or its signature is wrong
    TOO_MUCH_DATA = "too_much_data"

    # Before TLS, where a protocol begins without it.
    STARTTLS_REFUSED = "starttls_refused"  # the server speaks the protocol and does not go over to TLS
    STARTTLS_WRONG_PROTOCOL = "starttls_wrong_protocol"  # what answers does not speak this protocol
    STARTTLS_PLAINTEXT = "starttls_plaintext"  # said yes, and went on in clear: injected, or a broken server
    STARTTLS_TIMEOUT = "starttls_timeout"
    STARTTLS_CONNECTION_LOST = "starttls_connection_lost"


def unreachable(error: OSError) -> Reason:
    """Why no connection came about."""
    if isinstance(error, ConnectionRefusedError):
        return Reason.CONNECTION_REFUSED
    if isinstance(error, TimeoutError):
        return Reason.TIMEOUT
    return Reason.LOCAL_ERROR if error.errno in _LOCAL else Reason.NO_ROUTE
