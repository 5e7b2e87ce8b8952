"""A real cfssl server that signs authenticated requests over TLS.

with running_cfssl(tmp_path) as ca:
    ca.url, ca.trusted_pem, ca.key      # for a provider's settings and secrets
    ca.issued()                         # serial numbers of everything it ever issued
"""

import contextlib
import json
import re
import secrets
import sqlite3
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.demo.ports import free_port
from adapters.keys.authorities import certificate_pem
from adapters.x509.building import make_intermediate, make_root, validity
from adapters.x509.names import named
from tests.support.components import require

_PATIENCE_SECONDS = 30.0
_ISSUED = re.compile(r"signed certificate with serial number (\d+)")
HOST = "127.0.0.1"
_USAGES = {"server": ["server auth"], "client": ["client auth"], "both": ["server auth", "client auth"]}


class Cfssl:
    """A running cfssl."""

    def __init__(self, directory: Path, port: int, trusted_pem: str, key: str, root_pem: str) -> None:
        self._directory = directory
        self.url = f"https://localhost:{port}"
        self.trusted_pem = trusted_pem
        self.key = key
        self.root_pem = root_pem

    def log(self) -> str:
        """Everything it said."""
        return (self._directory / "cfssl.log").read_text()

    def issued(self) -> list[str]:
        """The serial numbers of all certificates that it issued."""
        return _ISSUED.findall(self.log())

    def revoked(self) -> dict[str, int]:
        """The serial numbers (decimal) of all that it revoked, and the reasons (RFC 5280)."""
        with contextlib.closing(sqlite3.connect(self._directory / "certificates.db")) as database:
            rows = database.execute(
                "SELECT CAST(serial_number AS blob), reason FROM certificates WHERE status = 'revoked'"
            )
            return {str(serial, "ascii"): reason for serial, reason in rows}

    def answers(self) -> bool:
        """Does it listen?"""
        request = urllib.request.Request(f"{self.url}/api/v1/cfssl/info", data=b'{"label": ""}')
        context = ssl.create_default_context(cadata=self.trusted_pem)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS, context=context) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def running_cfssl(directory: Path, *, revokes: bool = False) -> Iterator[Cfssl]:
    """An issuing CA below a root, with profiles server, client and both; stopped at the end of the block.

    `revokes`: it has a certificate database, and so takes revocations.
    """
    program = str(require("cfssl"))
    directory.mkdir(parents=True, exist_ok=True)
    authority, port, key = trustme.CA(), free_port(HOST), secrets.token_hex(16)
    certificate = authority.issue_cert("localhost", HOST)
    certificate.cert_chain_pems[0].write_to_path(directory / "tls.pem")
    certificate.private_key_pem.write_to_path(directory / "tls-key.pem")
    root_pem = _authority(directory)
    (directory / "config.json").write_text(json.dumps(_configuration(key)))
    options = {
        "address": HOST,
        "port": str(port),
        "ca": "ca.pem",
        "ca-key": "ca-key.pem",
        "config": "config.json",
        "tls-cert": "tls.pem",
        "tls-key": "tls-key.pem",
    }
    if revokes:
        options["db-config"] = _database(directory)
    arguments = [part for name, value in options.items() for part in (f"-{name}", value)]
    found = Cfssl(directory, port, authority.cert_pem.bytes().decode(), key, root_pem)
    with (directory / "cfssl.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", *arguments], cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not found.answers():
            assert process.poll() is None, found.log()
            assert time.monotonic() < deadline, found.log()
            time.sleep(0.02)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE_SECONDS)


def _authority(directory: Path) -> str:
    now = datetime.now(UTC)
    root = make_root(
        named("Test Root"), ec.generate_private_key(ec.SECP256R1()), validity(now, timedelta(days=900)), path_length=1
    )
    key = ec.generate_private_key(ec.SECP256R1())
    issuing = make_intermediate(named("Test Issuing"), key, validity(now, timedelta(days=800)), root)
    (directory / "ca.pem").write_text(certificate_pem(issuing.certificate))
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (directory / "ca-key.pem").write_bytes(encoded)
    return certificate_pem(root.certificate)


_TABLES = """
CREATE TABLE certificates (
    serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL,
    reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
    PRIMARY KEY (serial_number, authority_key_identifier));
CREATE TABLE ocsp_responses (
    serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, body blob NOT NULL, expiry timestamp,
    PRIMARY KEY (serial_number, authority_key_identifier));
"""  # cfssl, certdb/sqlite/migrations/001_CreateCertificates.sql


def _database(directory: Path) -> str:
    with contextlib.closing(sqlite3.connect(directory / "certificates.db")) as database:
        database.executescript(_TABLES)
    (directory / "db.json").write_text(json.dumps({"driver": "sqlite3", "data_source": "certificates.db"}))
    return "db.json"


def _configuration(key: str) -> dict[str, object]:
    def profile(usages: list[str]) -> dict[str, object]:
        return {"auth_key": "k", "expiry": "720h", "usages": ["digital signature", *usages]}

    profiles = {name: profile(usages) for name, usages in _USAGES.items()}
    return {
        "signing": {"default": profile(_USAGES["server"]), "profiles": profiles},
        "auth_keys": {"k": {"type": "standard", "key": key}},
    }
