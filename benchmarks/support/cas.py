"""Two CAs that others wrote: how many certificates with keys of P-256 they make per second of their own time."""

import contextlib
import http.client
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import requests
from acme import messages
from acme.client import ClientNetwork, ClientV2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwa import ES256
from josepy.jwk import JWKEC
from josepy.util import ComparableECKey

from adapters.keys.authorities import certificate_pem
from adapters.x509.building import make_root, validity
from adapters.x509.names import named
from benchmarks.startup import free_port
from benchmarks.support.cpu import spent
from benchmarks.support.rounds import Measure
from tests.support.pebble import Pebble, running_pebble

_PATIENCE_SECONDS = 30.0
_ATTEMPTS, _ANSWER_SECONDS = 5, 5
Loop = Callable[[int], Measure]


@contextlib.contextmanager
def cfssl() -> Iterator[Loop | None]:
    """`cfssl serve`, asked for new certificates with their keys over one connection; None where it is not installed."""
    program = shutil.which("cfssl")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as home:
        _authority(Path(home))
        port = free_port()
        options = ("-address", "127.0.0.1", "-port", str(port), "-ca", "ca.pem", "-ca-key", "ca-key.pem")
        process = subprocess.Popen([program, "serve", *options, "-loglevel", "5"], cwd=home, stderr=subprocess.DEVNULL)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
            _until(lambda: _first_certificate(connection))
            yield partial(_per_second, process.pid, lambda: _new_certificate(connection))
        finally:
            process.terminate()
            process.wait()


def _new_certificate(connection: http.client.HTTPConnection) -> None:
    wanted = {"CN": "www.example.org", "hosts": ["www.example.org"], "key": {"algo": "ecdsa", "size": 256}, "names": []}
    connection.request("POST", "/api/v1/cfssl/newcert", json.dumps({"request": wanted}))
    answer = json.loads(connection.getresponse().read())
    assert answer["success"], answer
    assert "BEGIN" in answer["result"]["private_key"]


def _first_certificate(connection: http.client.HTTPConnection) -> None:
    connection.close()
    _new_certificate(connection)


def _authority(home: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    root = make_root(named("Bench"), key, validity(datetime.now(UTC), timedelta(days=900)), path_length=0)
    (home / "ca.pem").write_text(certificate_pem(root.certificate))
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (home / "ca-key.pem").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )


@contextlib.contextmanager
def pebble() -> Iterator[Loop | None]:
    """pebble without waiting and without looking at challenges; None where it is not installed."""
    if shutil.which("pebble") is None:
        yield None
        return
    variables = {"PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_AUTHZREUSE": "100"}
    with tempfile.TemporaryDirectory() as home, running_pebble(Path(home), nonce_reject=0, environment=variables) as ca:
        trusted = Path(home) / "trusted.pem"
        trusted.write_text(ca.trusted_pem)
        client = _registered(ca, str(trusted))
        first = client.new_order(_request())
        client.poll_and_finalize(_answered(client, first))
        yield partial(_per_second, ca.pid, partial(_ordered, client))


def _registered(ca: Pebble, trusted: str) -> ClientV2:
    key = JWKEC(key=ComparableECKey(ec.generate_private_key(ec.SECP256R1())))
    network = ClientNetwork(
        key,
        alg=ES256,
        verify_ssl=trusted,  # type: ignore[arg-type]
        user_agent="certferry benchmark",
        timeout=_ANSWER_SECONDS,
    )
    client = ClientV2(ClientV2.get_directory(ca.directory_url, network), network)
    client.new_account(messages.NewRegistration.from_data(email="bench@example.org", terms_of_service_agreed=True))
    return client


def _answered(client: ClientV2, order: messages.OrderResource) -> messages.OrderResource:
    found: list[messages.AuthorizationResource] = cast("Any", order).authorizations
    for authorization in found:
        offered: tuple[messages.ChallengeBody, ...] = cast("Any", authorization.body.challenges)
        body = next(each for each in offered if each.chall.typ == "http-01")
        client.answer_challenge(body, body.chall.response(client.net.key))
    return order


def _request() -> bytes:
    name = "www.example.org"
    builder = x509.CertificateSigningRequestBuilder().subject_name(named(name))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    request = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def _ordered(client: ClientV2) -> None:
    """Now and then pebble does not answer: then it is asked again. Waiting takes none of its processor time."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(requests.ReadTimeout):
            return _ordered_once(client)
    raise RuntimeError(f"pebble did not answer {_ATTEMPTS} times in a row")


def _ordered_once(client: ClientV2) -> None:
    """The name was shown to be ours before. The library's own waiting takes a second each."""
    order = client.begin_finalization(client.new_order(_request()))
    while (found := _body(client, order.uri))["status"] != "valid":
        time.sleep(0.005)
    assert "BEGIN CERTIFICATE" in client._post_as_get(found["certificate"]).text  # noqa: SLF001


def _body(client: ClientV2, url: str) -> dict[str, str]:
    answer: dict[str, str] = client._post_as_get(url).json()  # noqa: SLF001
    return answer


def _per_second(pid: int, work: Callable[[], None], count: int) -> Measure:
    """How many per second of the CA's own processor time."""

    def all_of_them() -> None:
        for _ in range(count):
            work()

    return Measure(count / spent([pid], all_of_them))


def _until(work: Callable[[], None]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
