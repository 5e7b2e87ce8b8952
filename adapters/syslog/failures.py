"""What an OSError says about a receiver."""

import errno
import socket
import ssl

from application.syslog_watch import SyslogError

_LOST = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ECONNABORTED})
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.ENOENT})


def error_of(error: OSError) -> SyslogError:
    """By the kind of the exception, or its number."""
    if isinstance(error, socket.gaierror):
        return SyslogError.NO_SUCH_NAME
    if isinstance(error, TimeoutError):
        return SyslogError.TIMEOUT
    if isinstance(error, ssl.SSLEOFError):
        return SyslogError.CONNECTION_LOST
    if isinstance(error, ssl.SSLError):
        return SyslogError.TLS_ERROR
    if isinstance(error, ConnectionRefusedError):
        return SyslogError.CONNECTION_REFUSED
    if error.errno in _LOST or isinstance(error, ConnectionError):
        return SyslogError.CONNECTION_LOST
    return SyslogError.NO_ROUTE if error.errno in _NO_ROUTE else SyslogError.NOT_SENT
