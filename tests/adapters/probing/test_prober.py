"""The prober sees what is served, proves that the server holds the key, and goes nowhere it may not go."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.probing.prober import SweepingProber, TlsProber
from application.probe_ports import Observation, Prober
from bridge.probing import handshake
from bridge.probing.policy import Address, AddressPolicy, parse_networks
from bridge.protocol import ProbeResult
from tests.adapters.probing.servers import (
    changing,
    closed_port,
    listening,
    only,
    records,
    saying,
    server_context,
    tarpit,
    tls_server,
)
from tests.adapters.x509.certificates import Made, cn, make, san
from tests.contracts.probe_contract import ISSUER, ProberContract, fingerprint, served

LOOPBACK = AddressPolicy(parse_networks(["127.0.0.0/8", "::1"]))


@pytest.fixture(params=["whole", "sweeping"])
def prober(request: pytest.FixtureRequest) -> Prober:
    """One that does whole handshakes, and one that sweeps first."""
    whole = TlsProber(LOOPBACK)
    return whole if request.param == "whole" else SweepingProber(whole)


class TestProbers(ProberContract):
    """The contract of a prober."""


class Names:
    """A resolver under our control, which counts how often it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        answer = self._answers.pop(0)
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [ip_address(text) for text in answer]


def outcome(seen: Observation) -> tuple[str, str | None]:
    return seen.result.value, seen.reason


async def test_the_host_name_is_the_server_name_by_default(tmp_path: Path) -> None:
    """An endpoint with a host name is probed as clients would ask for it."""
    asked: list[str | None] = []
    context = server_context(tmp_path, served("a.test"))
    context.sni_callback = lambda _connection, name, _context: asked.append(name)
    prober = TlsProber(LOOPBACK, resolve=Names(["127.0.0.1"], ["127.0.0.1"]))
    async with tls_server(context) as port:
        for server_name in (None, "b.test"):
            await prober.probe(f"a.test:{port}", server_name, 5)
        await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert asked == ["a.test", "b.test", None]


async def test_ipv6_is_probed(tmp_path: Path, prober: Prober) -> None:
    """An IPv6 endpoint works like an IPv4 one."""
    leaf = served("a.test")
    async with tls_server(server_context(tmp_path, leaf), "::1") as port:
        seen = await prober.probe(f"[::1]:{port}", None, 5)
    assert (seen.address, seen.fingerprint_sha256) == ("::1", fingerprint(leaf))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "[::1]", "169.254.169.254", "0.0.0.0", "224.0.0.1"])
async def test_forbidden_addresses_are_not_even_connected_to(host: str) -> None:
    """Without an administrator's word nothing goes to loopback, link-local, metadata or multicast addresses."""
    touched: list[object] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.append(writer)

    async with listening(note) as port:
        seen = await TlsProber(AddressPolicy()).probe(f"{host}:{port}", None, 5)
    assert outcome(seen) == ("handshake_failed", "refused_by_policy")
    assert seen.address is None
    assert not touched


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["2002:7f00:1::"]]
)
async def test_a_name_with_one_forbidden_address_is_refused(answer: list[str]) -> None:
    """Every address a name has must be allowed, however it is dressed, before the first is connected to."""
    names = Names(answer)
    seen = await TlsProber(AddressPolicy(), resolve=names).probe("rebound.test:443", None, 5)
    assert outcome(seen) == ("handshake_failed", "refused_by_policy")


async def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(tmp_path: Path) -> None:
    """DNS rebinding: a second answer with a forbidden address is never asked for."""
    leaf = served("a.test")
    policy = AddressPolicy(parse_networks(["127.0.0.2/32"]))
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    context = only(server_context(tmp_path, leaf), ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0")
    async with tls_server(context, "127.0.0.2") as port:
        seen = await TlsProber(policy, resolve=names).probe(f"a.test:{port}", None, 5)
    assert (seen.address, seen.reason) == ("127.0.0.2", "legacy_protocol")  # two connections, one question
    assert names.asked == ["a.test"]


async def test_the_next_address_is_tried(tmp_path: Path) -> None:
    """A name whose first address is dead is served by its second; when all are dead it is unreachable."""
    leaf = served("a.test")
    async with tls_server(server_context(tmp_path, leaf)) as port:
        prober = TlsProber(LOOPBACK, resolve=Names(["127.0.0.3", "127.0.0.1"], ["127.0.0.3", "127.0.0.4"]))
        first, second = [await prober.probe(f"a.test:{port}", None, 5) for _ in range(2)]
    assert (first.address, first.fingerprint_sha256) == ("127.0.0.1", fingerprint(leaf))
    assert outcome(second) == ("unreachable", "connection_refused")


async def test_names_without_an_answer() -> None:
    """No such name, no address, a resolver that never answers: the name is the problem, not the host."""

    async def never(_: str) -> Sequence[Address]:
        await asyncio.Event().wait()
        return ()

    async def nothing(_: str) -> Sequence[Address]:
        return ()

    for resolve, reason in ((Names([]), "no_such_name"), (nothing, "no_such_name"), (never, "timeout")):
        seen = await TlsProber(LOOPBACK, resolve=resolve).probe("a.test:443", None, 0.2)
        assert outcome(seen) == ("name_not_resolved", reason)


async def test_a_weak_key_is_seen_and_named_so(tmp_path: Path, prober: Prober) -> None:
    """RSA key transport without forward secrecy: modern clients refuse it, the inventory still knows what is there."""
    leaf = make(cn("a.test"), [san("a.test")], key=rsa.generate_private_key(65537, 2048))
    context = only(server_context(tmp_path, leaf), ssl.TLSVersion.TLSv1_2, "AES128-SHA")
    async with tls_server(context) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert (seen.fingerprint_sha256, seen.reason) == (fingerprint(leaf), "legacy_cipher")


async def test_tls_without_a_certificate(tmp_path: Path, prober: Prober) -> None:
    """Anonymous key exchange: TLS, and no certificate at all."""
    context = only(server_context(tmp_path, served("a.test")), ssl.TLSVersion.TLSv1_2, "ADH:AECDH:@SECLEVEL=0")
    async with tls_server(context) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert outcome(seen) == ("no_certificate", "anonymous")


async def test_a_name_the_server_refuses(prober: Prober) -> None:
    """A server that has nothing for this name says so with alert 112 (RFC 6066, 3)."""
    async with saying(bytes([21, 3, 3, 0, 2, 2, 112])) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", "b.test", 5)
    assert outcome(seen) == ("handshake_failed", "unrecognised_name")


def without_key(flight: bytes) -> bytes:
    """A server that has the certificate but not the key cannot sign ServerKeyExchange (type 12): spoil it."""
    return b"".join(r[:-1] + bytes([r[-1] ^ 1]) if r[5] == 12 else r for r in records(flight))


def certificate_then_alert(flight: bytes) -> bytes:
    """Up to Certificate (type 11), then a handshake_failure alert before any signature."""
    kept = [r for r in records(flight) if r[5] in {2, 11}]
    return b"".join(kept) + bytes([21, 3, 3, 0, 2, 2, 40])


@pytest.mark.parametrize("client_certificates", [ssl.CERT_NONE, ssl.CERT_REQUIRED])
@pytest.mark.parametrize("change", [without_key, certificate_then_alert])
async def test_a_copied_certificate_without_its_key_is_not_taken_for_served(
    tmp_path: Path, prober: Prober, change: Callable[[bytes], bytes], client_certificates: ssl.VerifyMode
) -> None:
    """Certificates are public: whoever only sends a copy of the expected one does not pass as serving it."""
    context = only(server_context(tmp_path, served("a.test")), ssl.TLSVersion.TLSv1_2)
    context.verify_mode = client_certificates
    async with tls_server(context) as behind, changing(behind, change) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert seen.result is ProbeResult.HANDSHAKE_FAILED
    assert (seen.fingerprint_sha256, seen.leaf_der, seen.chain_fingerprints_sha256) == (None, None, ())


async def test_the_unchanged_go_between_is_transparent(tmp_path: Path, prober: Prober) -> None:
    """The test above fails for the change, not for the go-between."""
    leaf = served("a.test")
    context = only(server_context(tmp_path, leaf), ssl.TLSVersion.TLSv1_2)
    async with tls_server(context) as behind, changing(behind, lambda flight: flight) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert seen.fingerprint_sha256 == fingerprint(leaf)


async def test_a_flood_is_cut_off(tmp_path: Path, prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake that does not end takes a bounded amount of memory."""
    monkeypatch.setattr(handshake, "MAX_BYTES", 500)
    async with tls_server(server_context(tmp_path, served("a.test"), ISSUER)) as port:
        seen = await prober.probe(f"127.0.0.1:{port}", None, 5)
    assert outcome(seen) == ("handshake_failed", "too_much_data")


@settings(max_examples=60)
@given(st.binary(max_size=200), st.sampled_from([b"", b"\x16\x03\x03", b"\x15\x03\x03", b"\x16\x03\x03\x00\x10\x02"]))
def test_whatever_a_peer_sends_the_prober_answers(data: bytes, start: bytes) -> None:
    """Garbage, in records or not: an observation without a certificate, never an exception."""

    async def probe() -> Observation:
        async with saying(start + data) as port:
            return await TlsProber(LOOPBACK).probe(f"127.0.0.1:{port}", None, 5)

    seen = asyncio.run(probe())
    assert seen.result in {ProbeResult.HANDSHAKE_FAILED, ProbeResult.NO_CERTIFICATE}
    assert seen.fingerprint_sha256 is None


async def test_many_probes_at_once_all_answer(tmp_path: Path, prober: Prober) -> None:
    """More probes than slots: all of them see the certificate, and tarpits beside them hold up nobody."""
    leaf: Made = served("a.test")
    async with tls_server(server_context(tmp_path, leaf)) as port, tarpit() as silent, closed_port() as closed:
        ports = [port] * 40 + [silent] * 5 + [closed] * 5
        seen = await asyncio.gather(*(prober.probe(f"127.0.0.1:{each}", None, 0.5) for each in ports))
    assert [ProbeResult.UNREACHABLE] * 5 == [each.result for each in seen[45:]]
    assert ["timeout"] * 5 == [each.reason for each in seen[40:45]]
    assert {fingerprint(leaf), None} >= {each.fingerprint_sha256 for each in seen[:40]}
    assert len([each for each in seen if each.fingerprint_sha256]) == 40


async def test_the_systems_resolver_is_asked(tmp_path: Path, prober: Prober) -> None:
    """localhost is resolved by the operating system, to loopback addresses, and found there."""
    leaf = served("localhost")
    async with tls_server(server_context(tmp_path, leaf)) as port:
        seen = await prober.probe(f"localhost:{port}", None, 5)
    assert (seen.address, seen.fingerprint_sha256) == ("127.0.0.1", fingerprint(leaf))
