"""A target system to push to where no real one is installed: a TLS server that reloads its certificate like nginx.

    python -m adapters.simulated.tls_target --root DIR --port P [--host H] [--pid-file F] [--ready-file F]
    python -m adapters.simulated.tls_target --root DIR --check                 # like nginx -t
    python -m adapters.simulated.tls_target --root DIR --pid-file F --reload   # like nginx -s reload

It serves DIR/current/fullchain.pem with DIR/current/privkey.pem; `current` may be a symbolic link. SIGHUP reloads: a
pair that cannot be used is logged, and the old one is served on. Port 0 takes a free port; the ready file then says
which: `{"host": ..., "port": ..., "pid": ...}`. Exit status 1 with a message when the pair is broken at the start.
"""

import argparse
import json
import logging
import os
import signal
import socket
import socketserver
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

log = logging.getLogger("tls_target")
PATIENCE_SECONDS = 10.0
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\nConnection: close\r\n\r\nsimulated target\n"
)


class BrokenPair(Exception):
    """The certificate and the key cannot be served together; the message says why."""


def load_pair(root: Path) -> ssl.SSLContext:
    """A server context for the pair that is current now. Raises BrokenPair."""
    release = (root / "current").resolve()  # once: both files from the same release, whatever is swapped meanwhile
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An encrypted key must not make the process ask for a pass phrase on its terminal.
        context.load_cert_chain(release / "fullchain.pem", release / "privkey.pem", password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BrokenPair(f"cannot use fullchain.pem and privkey.pem in {release}: {error}") from error
    return context


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket

    def handle(self) -> None:
        assert isinstance(self.server, SimulatedTarget)
        self.request.settimeout(PATIENCE_SECONDS)
        with suppress(OSError), self.server.context.wrap_socket(self.request, server_side=True) as tls:
            tls.recv(65_536)
            tls.sendall(_ANSWER)


class SimulatedTarget(socketserver.ThreadingTCPServer):
    """The server. `context` is what the next connection is served with."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, root: Path) -> None:
        self._root = root
        self.context = load_pair(root)
        super().__init__((host, port), _Connection)

    def reload(self) -> None:
        """Serve the pair that is current now, or the old one on when that is broken."""
        try:
            self.context = load_pair(self._root)
        except BrokenPair as broken:
            log.error("reload failed, the old certificate is served on: %s", broken)  # noqa: TRY400 (no traceback)
        else:
            log.info("reloaded")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the three forms; the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    options = _parser().parse_args(arguments)
    try:
        if options.check:
            load_pair(options.root)
            log.info("the certificate and the key in %s are usable", options.root)
            return 0
        return _reload(options.pid_file) if options.reload else _serve(options)
    except (BrokenPair, OSError) as error:
        log.error("%s", error)  # noqa: TRY400 (a message for the operator, no traceback)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tls_target", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pid-file", type=Path)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--check", action="store_true", help="only test the pair")
    parser.add_argument("--reload", action="store_true", help="make the one that runs reload")
    return parser


def _reload(pid_file: Path | None) -> int:
    if pid_file is None:
        log.error("--reload needs --pid-file")
        return 1
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        log.error("no target is running: %s", error)  # noqa: TRY400 (a message for the operator, no traceback)
        return 1
    return 0


def _serve(options: argparse.Namespace) -> int:
    with SimulatedTarget(options.host, options.port, options.root) as server:
        _handle_signals(server)
        host, port = server.socket.getsockname()[:2]
        notes = {
            options.pid_file: f"{os.getpid()}\n",
            options.ready_file: json.dumps({"host": host, "port": port, "pid": os.getpid()}),
        }
        try:
            for path, text in notes.items():
                _write(path, text)
            log.info("serving %s on %s port %d", options.root, host, port)
            server.serve_forever()
        except SystemExit:
            log.info("stopped")
        finally:
            for path in filter(None, notes):
                path.unlink(missing_ok=True)
    return 0


def _handle_signals(server: SimulatedTarget) -> None:
    def on_reload(_: int, __: FrameType | None) -> None:
        server.reload()

    def on_stop(_: int, __: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGHUP, on_reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)


def _write(path: Path | None, text: str) -> None:
    """Whole or not at all: whoever waits for the file never reads half of it."""
    if path is not None:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
