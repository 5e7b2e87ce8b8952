"""Listening sockets that stay open while the parts behind them are started again: nobody is refused meanwhile."""

import contextlib
import socket

BACKLOG = 1024


class PortTaken(RuntimeError):
    """Somebody else listens there; the sentence says where."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortTaken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise PortTaken(f"{host}:{port} cannot be used: {error.strerror}. Choose another --port.") from error
    found.listen(BACKLOG)
    found.set_inheritable(True)
    return found


def listen_again(host: str, port: int) -> socket.socket:
    """On the port of the last start where that is free, else on any."""
    with contextlib.suppress(PortTaken):
        return listen(host, port)
    return listen(host, 0)


def free_port(host: str, preferred: int = 0) -> int:
    """A port nobody listens on just now."""
    with listen_again(host, preferred) as probe:
        return int(probe.getsockname()[1])


def usable(host: str) -> bool:
    """Can this machine listen on the address? (Linux: on all of 127.0.0.0/8; elsewhere on 127.0.0.1 only.)"""
    try:
        listen(host, 0).close()
    except PortTaken:
        return False
    return True
