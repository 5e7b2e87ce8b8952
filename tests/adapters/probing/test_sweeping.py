"""A sweep looks at many endpoints with one small message each, proves who holds the key, and keeps its bounds."""

import asyncio
import ssl
import threading
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from adapters.probing.prober import SweepingProber, TlsProber
from adapters.x509.private_keys import PrivateKey
from bridge.probing.sweeping.flight import Flight, Otherwise, read_flight
from bridge.probing.sweeping.hello import hello
from bridge.probing.sweeping.sweep import Outcome, Sweep, Target
from bridge.protocol import ProbeResult
from tests.adapters.probing.counting import LOOPBACK, Counting
from tests.adapters.probing.servers import closed_port, listening, only, server_context, tarpit, tls_server
from tests.adapters.x509.certificates import Made, cn, make, san
from tests.contracts.probe_contract import ISSUER, fingerprint, served
from tests.support.waiting import wait_until

KEYS: dict[str, PrivateKey] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
}


ALONE = [
    (ssl.TLSVersion.TLSv1_2, ssl.CERT_NONE),
    (ssl.TLSVersion.TLSv1_3, ssl.CERT_NONE),
    (ssl.TLSVersion.TLSv1_3, ssl.CERT_REQUIRED),
]


@pytest.mark.parametrize(("version", "asking"), ALONE)
@pytest.mark.parametrize("kind", KEYS)
async def test_a_sweep_is_enough(tmp_path: Path, kind: str, version: ssl.TLSVersion, asking: ssl.VerifyMode) -> None:
    """Leaf, chain, cipher: without a whole handshake, for every kind of key, under each version alone; the same as that
    would have shown. Under TLS 1.3 of servers that want to know us, too.
    """
    leaf = make(cn("a.test"), [san("a.test")], by=ISSUER, key=KEYS[kind])
    whole = Counting()
    context = only(server_context(tmp_path, leaf, ISSUER), version)
    context.verify_mode = asking
    async with tls_server(context) as port:
        place = f"127.0.0.1:{port}", "a.test"
        seen = await SweepingProber(whole).probe(*place, 5)
        assert whole.asked == []
        assert seen == await whole.probe(*place, 5)
    assert seen.chain_fingerprints_sha256 == (fingerprint(leaf), fingerprint(ISSUER))


async def test_what_needs_a_whole_handshake_gets_one(tmp_path: Path) -> None:
    """A key that is too weak, under each version; a key that is not for signatures."""
    weak = make(cn("a.test"), [san("a.test")], key=rsa.generate_private_key(65537, 1024))
    agreeing = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=True, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    unfit = make(cn("a.test"), [san("a.test"), agreeing])
    for number, (leaf, version) in enumerate(
        [(weak, ssl.TLSVersion.TLSv1_3), (weak, ssl.TLSVersion.TLSv1_2), (unfit, ssl.TLSVersion.TLSv1_2)]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context = only(_loaded(context, folder, leaf), version)
        async with tls_server(context) as port:
            whole, place = Counting(), (f"127.0.0.1:{port}", None)
            seen = await SweepingProber(whole).probe(*place, 5)
            assert [place[0]] == whole.asked
            assert seen == await whole.probe(*place, 5)


def _loaded(context: ssl.SSLContext, folder: Path, leaf: Made) -> ssl.SSLContext:
    (folder / "both.pem").write_text(leaf.pem + leaf.key_pem)
    context.load_cert_chain(folder / "both.pem")
    return context


async def test_many_come_back_in_their_order(tmp_path: Path) -> None:
    """Answers, closed ports, tarpits, forbidden and odd endpoints: each result at the place of its question."""
    leaf = served("a.test")
    context = only(server_context(tmp_path, leaf), ssl.TLSVersion.TLSv1_2)
    async with tls_server(context) as port, tarpit() as silent, closed_port() as closed:
        kinds = [
            (f"127.0.0.1:{port}", ProbeResult.CERTIFICATE, None),
            (f"127.0.0.2:{closed}", ProbeResult.UNREACHABLE, "connection_refused"),
            (f"localhost:{port}", ProbeResult.CERTIFICATE, None),
            ("169.254.0.1:443", ProbeResult.HANDSHAKE_FAILED, "refused_by_policy"),
            ("127.1:443", ProbeResult.HANDSHAKE_FAILED, "invalid_endpoint"),
            (f"127.0.0.1:{silent}", ProbeResult.HANDSHAKE_FAILED, "timeout"),
        ]
        wanted = [*kinds[:5] * 60, *kinds]
        seen = await SweepingProber(TlsProber(LOOPBACK)).probe_all([(each[0], None) for each in wanted], 2)
    assert [each[1:] for each in wanted] == [(each.result, each.reason) for each in seen]


class Door:
    """Counts who is inside at once, and lets nobody go on before it is opened."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.opened = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await reader.read(65_536)
        await self.opened.wait()
        self.inside -= 1  # before the client learns that the connection ends


@pytest.mark.parametrize(("hosts", "expected"), [(1, 2), (20, 5)])
async def test_the_bounds_hold_whoever_asks(hosts: int, expected: int) -> None:
    """Two questions at the same time: never more than `per_host` to one address, never more than `total` in all."""
    sweep, door = Sweep(total=5, per_host=2), Door()
    async with listening(door, "0.0.0.0") as port:
        targets = [Target(ip_address(f"127.0.1.{1 + n % hosts}"), port, None) for n in range(20)]
        halves = asyncio.gather(_swept(sweep, targets[:10]), _swept(sweep, targets[10:]))
        while door.inside < expected:
            await asyncio.sleep(0.01)
        door.opened.set()
        assert [[None] * 10] * 2 == list(await halves)
    assert expected == door.most


async def _swept(sweep: Sweep, targets: Sequence[Target]) -> list[Outcome]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Outcome]] = loop.create_future()
    sweep.submit(targets, 60, lambda outcomes: (loop.call_soon_threadsafe(answer.set_result, outcomes), None)[1])
    return await answer


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The thread ends when nobody has asked for more, and another one answers the next question."""
    context = only(server_context(tmp_path, served("a.test")), ssl.TLSVersion.TLSv1_2)
    prober = SweepingProber(TlsProber(LOOPBACK))
    async with tls_server(context) as port:
        for _ in range(2):
            assert (await prober.probe(f"127.0.0.1:{port}", None, 5)).result is ProbeResult.CERTIFICATE
            wait_until(lambda: "sweep" not in {each.name for each in threading.enumerate()}, 30)


def real_flight(tmp_path: Path) -> bytes:
    """What a server of OpenSSL answers to our ClientHello."""
    context = only(server_context(tmp_path, served("a.test"), ISSUER), ssl.TLSVersion.TLSv1_2)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    before, behind = hello("a.test")
    incoming.write(before + bytes(32) + behind)
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    return outgoing.read()


def test_a_flight_is_read_when_it_is_complete(tmp_path: Path) -> None:
    """However it is cut: incomplete up to its last byte, never something else."""
    flight = real_flight(tmp_path)
    assert {None} == {read_flight(flight[:size]) for size in range(len(flight))}
    found = read_flight(flight)
    assert found is not None
    assert 2 == len(found.chain)


@pytest.fixture(scope="module")
def flight(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return real_flight(tmp_path_factory.mktemp("flight"))


@given(st.data())
def test_whatever_is_sent_is_a_flight_or_none(flight: bytes, data: st.DataObject) -> None:
    """Bytes changed, cut out, put in, or nothing but garbage: read, incomplete, or otherwise; no other error."""
    at = data.draw(st.integers(0, len(flight)))
    upto = data.draw(st.integers(at, min(len(flight), at + 8)))
    changed = flight[:at] + data.draw(st.binary(max_size=8)) + flight[upto:]
    for each in (changed, data.draw(st.binary(max_size=64))):
        try:
            found = read_flight(each)
        except Otherwise:
            continue
        assert found is None or isinstance(found, Flight)
