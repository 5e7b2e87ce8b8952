"""A witness that does what C2SP tlog-witness says of `add-checkpoint`, status by status, behind real HTTP."""

import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.keys.ed25519 import NoteSigner, verify_ed25519
from domain.transparency.checkpoint import open_checkpoint
from domain.transparency.hashing import EMPTY_ROOT
from domain.transparency.keys import COSIGNATURE, VerifierKey, cosigned_message
from domain.transparency.proving import NotProven
from domain.transparency.verifying import check_consistency

AT = 1_800_000_000


class TestWitness:
    """What it has seen of one log, and how often it was asked."""

    __test__ = False

    def __init__(self, origin: str, keys: list[VerifierKey]) -> None:
        self.signer = NoteSigner.named("witness.example/w", Ed25519PrivateKey.generate(), COSIGNATURE)
        self.url = ""
        self.size, self.root = 0, EMPTY_ROOT
        self.asked: list[int] = []
        self._origin = origin
        self._keys = keys

    def answer(self, body: str) -> tuple[int, str, str]:
        """Status, media type, text."""
        head, _, raw = body.partition("\n\n")
        old, *lines = head.split("\n")
        assert old.startswith("old ")
        if raw.partition("\n")[0] != self._origin:
            return 404, "text/plain", "unknown origin\n"
        try:
            opened = open_checkpoint(raw, self._origin, self._keys, verify_ed25519)
        except NotProven:
            return 403, "text/plain", "not signed\n"
        new = opened.checkpoint
        if int(old.removeprefix("old ")) != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n"
        try:
            check_consistency(self.size, self.root, new.size, new.root, [b64decode(line) for line in lines])
        except NotProven:
            return 422, "text/plain", "not consistent\n"
        self.size, self.root = new.size, new.root
        signature = AT.to_bytes(8) + self.signer.sign(cosigned_message(opened.note.text, AT))
        return 200, "text/plain", str(self.signer.key.line(signature))

    @contextmanager
    def served(self) -> Iterator["TestWitness"]:
        """Reachable at `url` during the block."""
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/prefix/add-checkpoint"
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, kind, text = witness.answer(body)
                witness.asked.append(status)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/prefix/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
