"""What every prober promises (application.probe_ports.Prober).

A module that tests a prober makes a fixture `prober` that may reach loopback addresses, and subclasses ProberContract.
"""

import ssl
from pathlib import Path

import pytest

from adapters.x509.parsing import parse_certificate
from application.probe_ports import Prober
from bridge.protocol import ProbeResult
from tests.adapters.probing.servers import (
    by_name,
    closed_port,
    only,
    saying,
    server_context,
    tarpit,
    tls_server,
)
from tests.adapters.x509.certificates import Made, cn, make, make_ca, san

ISSUER = make_ca("Probed CA")


def served(name: str) -> Made:
    """A certificate for a name."""
    return make(cn(name), [san(name)], by=ISSUER)


def fingerprint(made: Made) -> str:
    return parse_certificate(made.der).facts.fingerprint_sha256


class ProberContract:
    """The promises; a subclass says of which prober."""

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_what_a_server_serves_is_seen(self, prober: Prober, tmp_path: Path, version: ssl.TLSVersion) -> None:
        """Leaf, chain, protocol and address, under TLS 1.2 and 1.3, without trusting anybody."""
        leaf = served("a.test")
        async with tls_server(only(server_context(tmp_path, leaf, ISSUER), version)) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
        assert seen.result is ProbeResult.CERTIFICATE
        assert seen.fingerprint_sha256 == fingerprint(leaf)
        assert seen.chain_fingerprints_sha256 == (fingerprint(leaf), fingerprint(ISSUER))
        assert seen.leaf_der == leaf.der
        assert (seen.address, seen.reason) == ("127.0.0.1", None)
        assert seen.protocol == version.name.replace("_", ".")

    async def test_the_server_name_decides_what_is_served(self, prober: Prober, tmp_path: Path) -> None:
        """One address and port, three certificates: for two names and for no name."""
        made = {name: served(name) for name in ("a.test", "b.test", "default.test")}
        contexts = {}
        for name, leaf in made.items():
            (tmp_path / name).mkdir()
            contexts[name] = server_context(tmp_path / name, leaf)
        async with tls_server(by_name(contexts, contexts["default.test"])) as port:
            for name, leaf in made.items():
                server_name = None if name == "default.test" else name
                seen = await prober.probe(f"127.0.0.1:{port}", server_name, 5)
                assert seen.fingerprint_sha256 == fingerprint(leaf)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_a_server_for_clients_with_certificates_shows_its_own(
        self, prober: Prober, tmp_path: Path, version: ssl.TLSVersion
    ) -> None:
        """Mutual TLS: we have no certificate to show, and see the server's all the same."""
        leaf = served("a.test")
        context = only(server_context(tmp_path, leaf), version)
        context.verify_mode = ssl.CERT_REQUIRED
        async with tls_server(context) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", "a.test", 5)
        assert (seen.result, seen.fingerprint_sha256) == (ProbeResult.CERTIFICATE, fingerprint(leaf))
        assert seen.reason in {None, "client_certificate_required"}

    async def test_an_old_server_is_seen_and_named_so(self, prober: Prober, tmp_path: Path) -> None:
        """TLS 1.0 only: the certificate is served, so it is no failure to reach; the reason says what is wrong."""
        leaf = served("a.test")
        context = only(server_context(tmp_path, leaf), ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0")
        async with tls_server(context) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", "a.test", 5)
        assert (seen.result, seen.fingerprint_sha256) == (ProbeResult.CERTIFICATE, fingerprint(leaf))
        assert (seen.protocol, seen.reason) == ("TLSv1", "legacy_protocol")

    async def test_a_server_of_ssl_3_is_named_so(self, prober: Prober) -> None:
        """Nobody's library speaks SSL 3 any more (RFC 7568): its certificate is not seen, and the reason says why."""
        hello = b"\2\0\0\x26\3\0" + bytes(32) + b"\0\0\x0a\0"
        async with saying(b"\x16\3\0" + len(hello).to_bytes(2, "big") + hello) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", "a.test", 5)
        assert (seen.result, seen.reason) == (ProbeResult.HANDSHAKE_FAILED, "legacy_protocol")

    @pytest.mark.parametrize("first", [True, False])
    async def test_a_server_without_tls_has_no_certificate(self, prober: Prober, first: bool) -> None:
        """Something answers, in plain text: nothing of what it says is passed on."""
        async with saying(b"HTTP/1.1 400 canary-text\r\n\r\n", first=first) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
        assert (seen.result, seen.reason) == (ProbeResult.NO_CERTIFICATE, "not_tls")
        assert "canary" not in repr(seen)

    async def test_a_closed_port_is_unreachable(self, prober: Prober) -> None:
        """Nobody listens."""
        async with closed_port() as port:
            seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
        assert (seen.result, seen.reason) == (ProbeResult.UNREACHABLE, "connection_refused")

    async def test_a_tarpit_ends_with_the_timeout(self, prober: Prober) -> None:
        """A server that accepts and is silent costs the timeout and no more."""
        async with tarpit() as port:
            seen = await prober.probe(f"127.0.0.1:{port}", None, 0.3)
        assert (seen.result, seen.reason) == (ProbeResult.HANDSHAKE_FAILED, "timeout")

    async def test_a_server_that_hangs_up_fails_the_handshake(self, prober: Prober) -> None:
        """It was reached, and then it went."""
        async with saying(b"") as port:
            seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
        assert (seen.result, seen.reason) == (ProbeResult.HANDSHAKE_FAILED, "connection_lost")

    async def test_a_name_that_does_not_exist(self, prober: Prober) -> None:
        """RFC 6761 keeps .invalid free of names for ever."""
        seen = await prober.probe("certferry.invalid:443", None, 5)
        assert (seen.result, seen.address) == (ProbeResult.NAME_NOT_RESOLVED, None)

    @pytest.mark.parametrize("endpoint", ["", "127.1:443", "0x7f.1:443", "127.0.0.1", "[::1]", "a b:443", "a\n:443"])
    async def test_an_odd_endpoint_reaches_nothing(self, prober: Prober, endpoint: str) -> None:
        """Should an odd spelling ever get this far, no resolver sees it."""
        seen = await prober.probe(endpoint, None, 5)
        assert (seen.result, seen.reason) == (ProbeResult.HANDSHAKE_FAILED, "invalid_endpoint")

    @pytest.mark.parametrize("name", ["a b", ".a", "a\0b", "\ud800", "127.0.0.1", "a" * 300, "bücher.test"])
    async def test_an_odd_server_name_is_not_sent(self, prober: Prober, tmp_path: Path, name: str) -> None:
        """A server name is a host name (RFC 6066, 3), or nothing is probed."""
        async with tls_server(server_context(tmp_path, served("a.test"))) as port:
            seen = await prober.probe(f"127.0.0.1:{port}", name, 5)
        assert (seen.result, seen.reason) == (ProbeResult.HANDSHAKE_FAILED, "invalid_server_name")
