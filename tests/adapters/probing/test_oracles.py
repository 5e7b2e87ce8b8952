"""Four other programs look at the same endpoints: none of them sees another leaf, another chain or another protocol."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.probing.prober import SweepingProber, TlsProber
from application.probe_ports import Observation
from bridge.probing.policy import AddressPolicy, parse_networks
from tests.adapters.probing.servers import by_name, only, server_context, tls_server
from tests.adapters.x509.certificates import Made, cn, make, san
from tests.contracts.probe_contract import ISSUER, served
from tests.support import oracles
from tests.support.oracles import Place, Witness

WHOLE = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8", "::1"])))
SWEEPING = SweepingProber(WHOLE)
VERSIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
V = ssl.TLSVersion
RSA = make(cn("rsa.test"), [san("rsa.test")], by=ISSUER, key=rsa.generate_private_key(65537, 2048))


def _context(folder: Path, leaf: Made, *issuers: Made) -> ssl.SSLContext:
    folder.mkdir()
    return server_context(folder, leaf, *issuers)


def _plain(folder: Path) -> ssl.SSLContext:
    return _context(folder / "plain", served("a.test"), ISSUER)


def _named(folder: Path) -> ssl.SSLContext:
    names = {"b.test": _context(folder / "b", served("b.test"), ISSUER), "rsa.test": _context(folder / "r", RSA)}
    return by_name(names, _context(folder / "default", served("default.test")))


def _of(version: ssl.TLSVersion, ciphers: str | None = None) -> Callable[[Path], ssl.SSLContext]:
    return lambda folder: only(_plain(folder), version, ciphers)


def _both_keys(folder: Path) -> ssl.SSLContext:
    """An RSA and an ECDSA certificate behind one name: which one, the client's offer decides."""
    context = _context(folder / "rsa", RSA, ISSUER)
    leaf = served("rsa.test")
    (folder / "ec.pem").write_text(leaf.pem + ISSUER.pem + leaf.key_pem)
    context.load_cert_chain(folder / "ec.pem")
    return context


def _mutual(version: ssl.TLSVersion) -> Callable[[Path], ssl.SSLContext]:
    def context(folder: Path) -> ssl.SSLContext:
        made = only(_plain(folder), version)
        made.verify_mode = ssl.CERT_OPTIONAL
        return made

    return context


ENDPOINTS: dict[str, tuple[Callable[[Path], ssl.SSLContext], str, str | None]] = {
    "both versions": (_plain, "127.0.0.1", None),
    "IPv6": (_plain, "::1", "a.test"),
    "a name": (_named, "127.0.0.1", "b.test"),
    "another name, RSA": (_named, "127.0.0.1", "rsa.test"),
    "no name": (_named, "127.0.0.1", None),
    "TLS 1.2 only": (_of(V.TLSv1_2), "127.0.0.1", "a.test"),
    "TLS 1.3 only": (_of(V.TLSv1_3), "127.0.0.1", "a.test"),
    "TLS 1.1 only": (_of(V.TLSv1_1, "ALL:@SECLEVEL=0"), "127.0.0.1", "a.test"),
    "TLS 1.0 only": (_of(V.TLSv1, "ALL:@SECLEVEL=0"), "127.0.0.1", "a.test"),
    "keys of two kinds": (_both_keys, "127.0.0.1", "rsa.test"),
    "asks for a certificate": (_mutual(V.TLSv1_2), "127.0.0.1", "a.test"),
    "asks for a certificate, TLS 1.3": (_mutual(V.TLSv1_3), "127.0.0.1", "a.test"),
}


@asynccontextmanager
async def _endpoint(kind: str, folder: Path) -> AsyncIterator[Place]:
    make_context, host, name = ENDPOINTS[kind]
    async with tls_server(make_context(folder), host) as port:
        yield Place(host, port, name)


@pytest.mark.needs("openssl", "gnutls-cli", "sslscan", "nmap")
@pytest.mark.parametrize("kind", ENDPOINTS)
async def test_nobody_disagrees(tmp_path: Path, kind: str) -> None:
    """Leaf, chain as far as it is shown, and protocol; ours is the one that others agree on, or are offered alone."""
    async with _endpoint(kind, tmp_path) as place:
        ours = [await each.probe(place.address, place.name, 20) for each in (WHOLE, SWEEPING)]
        versions = {VERSIONS.get(seen.protocol or "") for seen in ours}
        asked = [partial(oracles.openssl, place._replace(version=each)) for each in versions]
        asked += [partial(each, place) for each in (oracles.gnutls, oracles.sslscan, oracles.nmap)]
        witnesses = await asyncio.gather(*map(asyncio.to_thread, asked))
    assert [] == [(seen, witness) for seen in ours for witness in witnesses if not _agrees(seen, witness)]


def _agrees(seen: Observation, witness: Witness) -> bool:
    """Each says as much as it can: a chain or its leaf; the one protocol it took, or all that are there, or none.

    A server of two versions serves the same under both.
    """
    assert seen.fingerprint_sha256 is not None
    if not witness.chain:  # nmap speaks no version older than TLS 1.2
        return witness.program == "nmap" and seen.reason == "legacy_protocol"
    modern = {"TLSv1.2", "TLSv1.3"}
    same = seen.protocol in witness.protocols or not witness.protocols
    other_of_two = modern >= {seen.protocol, *witness.protocols} and witness.program != "sslscan"
    return witness.chain == seen.chain_fingerprints_sha256[: len(witness.chain)] and (same or other_of_two)


@pytest.mark.needs("openssl", "sslscan")
@pytest.mark.parametrize("version", [V.TLSv1, V.TLSv1_1, V.TLSv1_2, V.TLSv1_3])
async def test_the_protocol_is_the_only_one_there_is(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """A server of one version: everybody names that one."""
    kind = {V.TLSv1: "TLS 1.0", V.TLSv1_1: "TLS 1.1", V.TLSv1_2: "TLS 1.2", V.TLSv1_3: "TLS 1.3"}[version] + " only"
    async with _endpoint(kind, tmp_path) as place:
        ours = [await each.probe(place.address, place.name, 20) for each in (WHOLE, SWEEPING)]
        asked = (oracles.openssl, oracles.gnutls, oracles.sslscan)
        witnesses = await asyncio.gather(*(asyncio.to_thread(each, place) for each in asked))
    assert {frozenset({seen.protocol}) for seen in ours} == {witness.protocols for witness in witnesses}
