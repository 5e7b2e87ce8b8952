"""Time stamps by a real authority: `openssl ts` behind HTTP, checked by the client and by OpenSSL itself."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from adapters.sealing import checkpoints
from adapters.sealing.timestamping import NotStamped, Stamping, stamped
from tests.adapters.sealing.ledgers import as_sealer, fill, only, seal
from tests.support.components import require
from tests.support.postgres import Pg

CONFIGURATION = """
[tsa]
default_tsa = own
[own]
dir = {directory}
serial = {directory}/serial
crypto_device = builtin
signer_cert = {directory}/tsa.pem
signer_key = {directory}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
"""
EXTENSIONS = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"


def openssl(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([str(require("openssl")), *arguments], cwd=directory, capture_output=True, check=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a time-stamping authority below it."""
    directory = tmp_path_factory.mktemp("tsa")
    (directory / "tsa.cnf").write_text(CONFIGURATION.format(directory=directory))
    (directory / "serial").write_text("01\n")
    (directory / "ext").write_text(EXTENSIONS)
    key = ("-newkey", "rsa:2048", "-nodes")
    for arguments in (
        ("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2"),
        ("req", "-new", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA"),
        ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem",
         "-days", "1", "-extfile", "ext"),
    ):  # fmt: skip
        done = openssl(directory, *arguments)
        assert done.returncode == 0, done.stderr
    return directory


Answer = Callable[[bytes], bytes]


@pytest.fixture
def served() -> Iterator[Callable[[Answer], str]]:
    """A function that puts an authority behind HTTP and gives its URL."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def replying(authority: Path, change: Answer = lambda query: query) -> Answer:
    """`openssl ts -reply`, to a query that may be changed on the way."""

    def reply(query: bytes) -> bytes:
        (authority / "query.tsq").write_bytes(change(query))
        reply = ("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr")
        done = openssl(authority, *reply)
        assert done.returncode == 0, done.stderr
        return (authority / "reply.tsr").read_bytes()

    return reply


async def test_a_stamp_of_a_checkpoint_is_kept_and_openssl_verifies_it(
    pg: Pg, tmp_path: Path, authority: Path, served: Callable[[Answer], str]
) -> None:
    """Over the stored note's bytes; with another note it does not verify."""
    await fill(pg, 5)
    seal(pg, tmp_path)
    with as_sealer(pg) as connection:
        sealed = checkpoints.latest(connection)
        assert sealed is not None
        Stamping(connection, served(replying(authority)), authority / "ca.pem").send(sealed)
        kept = only(connection, "SELECT answer FROM ledger.timestamps WHERE checkpoint = %s", sealed.number)
    (tmp_path / "checkpoint.tsr").write_bytes(kept)
    (tmp_path / "ca.pem").write_bytes((authority / "ca.pem").read_bytes())
    (tmp_path / "tsa.pem").write_bytes((authority / "tsa.pem").read_bytes())

    def verified(note: str) -> bool:
        (tmp_path / "checkpoint.txt").write_text(note)
        against = ("-in", "checkpoint.tsr", "-CAfile", "ca.pem", "-untrusted", "tsa.pem")
        return openssl(tmp_path, "ts", "-verify", "-data", "checkpoint.txt", *against).returncode == 0

    assert verified(sealed.note)
    assert not verified(sealed.note.replace("\n5\n", "\n6\n"))


def test_an_answer_to_something_else_is_no_stamp(authority: Path, served: Callable[[Answer], str]) -> None:
    """A stamp of another hash, an old answer, no answer at all."""
    old = replying(authority)
    first: list[bytes] = []

    def always_the_first(query: bytes) -> bytes:
        first.append(old(query))
        return first[0]

    url = served(always_the_first)
    assert stamped(url, b"data", [])
    with pytest.raises(NotStamped, match="did not stamp"):
        stamped(url, b"data", [])
    with pytest.raises(NotStamped, match="did not answer"):
        stamped(served(lambda _: b"what?"), b"data", [])


def test_a_stamp_by_a_stranger_is_refused_where_the_authority_is_known(
    authority: Path, served: Callable[[Answer], str], tmp_path: Path
) -> None:
    """With the CA's certificate in the settings the signature is checked, too."""
    new = ("-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "ca.pem", "-subj", "/CN=Other")
    assert openssl(tmp_path, "req", "-x509", *new).returncode == 0
    other = x509.load_pem_x509_certificates((tmp_path / "ca.pem").read_bytes())
    with pytest.raises(NotStamped, match="not valid"):
        stamped(served(replying(authority)), b"data", other)
