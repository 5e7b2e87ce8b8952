"""Real servers of every protocol that begins in clear: what they serve is seen, and what they serve no more, too."""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest

from adapters.probing.prober import TlsProber
from bridge.probing.policy import AddressPolicy, parse_networks
from tests.bridge.deploying import AUTHORITY
from tests.support import oracles
from tests.support.oracles import Place, Witness
from tests.support.services.base import Server, running
from tests.support.services.clear import DovecotPop3, Nats, Vsftpd
from tests.support.services.databases import MariaDb, PostgreSql, Slapd
from tests.support.services.mail import Dovecot, Postfix
from tests.support.waiting import wait_until

PROBER = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))
FIRST = AUTHORITY.server()
SERVERS: dict[str, type[Server]] = {
    "smtp": Postfix,
    "imap": Dovecot,
    "pop3": DovecotPop3,
    "ldap": Slapd,
    "postgres": PostgreSql,
    "mysql": MariaDb,
    "ftp": Vsftpd,
    "nats": Nats,
}

WITNESSES = {"mysql": 1, "nats": 0}
"""How many of OpenSSL and GnuTLS speak it."""


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    """A protocol, and a server that speaks it."""
    with running(SERVERS[request.param], FIRST) as server:
        yield request.param, server


async def test_what_a_server_serves_after_starttls(served: tuple[str, Server]) -> None:
    """Leaf and chain, as they were laid there; and what the server says before TLS is no certificate without it."""
    protocol, server = served
    seen = await PROBER.probe(f"{protocol}://127.0.0.1:{server.port}", "localhost", 20)
    assert (seen.reason, seen.fingerprint_sha256) == (None, FIRST.fingerprint)
    assert seen.chain_fingerprints_sha256[0] == FIRST.fingerprint
    assert (seen.protocol or "").startswith("TLSv1.")
    for program in [oracles.openssl, oracles.gnutls][: WITNESSES.get(protocol, 2)]:
        witness = await asyncio.to_thread(program, Place("127.0.0.1", server.port, "localhost", starttls=protocol))
        expected = Witness(program.__name__, seen.chain_fingerprints_sha256, frozenset({seen.protocol or ""}))
        assert expected == witness


async def test_another_protocol_at_its_port_is_no_tls_there(served: tuple[str, Server]) -> None:
    """Whoever writes the wrong protocol learns that it is the wrong one: not a mismatch, not unreachable."""
    protocol, server = served
    other = "pop3" if protocol != "pop3" else "imap"
    seen = await PROBER.probe(f"{other}://127.0.0.1:{server.port}", "localhost", 1)
    assert seen.fingerprint_sha256 is None
    assert (seen.reason or "").startswith("starttls_")


@pytest.mark.needs("postfix")
async def test_a_mail_server_that_lost_its_key_says_so() -> None:
    """Postfix reloads a key of another certificate without a word, and refuses STARTTLS from then on."""
    with running(Postfix, FIRST) as server:
        _lose_key(server)
        seen = await PROBER.probe(f"smtp://127.0.0.1:{server.port}", "localhost", 20)
    assert (seen.result.value, seen.reason) == ("no_certificate", "starttls_refused")


def _lose_key(server: Server) -> None:
    server.key.write_text(AUTHORITY.server().key_pem)
    subprocess.run(server.profile().reload or (), check=True, capture_output=True)
    wait_until(lambda: server.serves() is None, 60)
