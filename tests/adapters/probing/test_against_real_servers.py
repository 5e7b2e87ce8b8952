"""Other people's servers and another client agree with what the prober sees."""

import asyncio
import re
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from adapters.probing.prober import SweepingProber, TlsProber
from adapters.x509.private_keys import PrivateKey
from application.probe_ports import Observation
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.protocol import ProbeResult
from tests.adapters.probing.counting import Counting
from tests.adapters.x509.certificates import Made, cn, make, san
from tests.contracts.probe_contract import ISSUER, fingerprint, served
from tests.support.nginx import Site, lay_out, running_nginx

PROBER = TlsProber(AddressPolicy(parse_networks(["127.0.0.0/8"])))


def openssl_sees(port: int, name: str | None) -> str:
    """The fingerprint `openssl s_client` shows for the leaf."""
    sni = ["-servername", name] if name else ["-noservername"]
    client = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *sni]
    shown = subprocess.run(client, input=b"", capture_output=True, check=False).stdout
    digest = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    text = subprocess.run(digest, input=shown, capture_output=True, check=True).stdout.decode()
    return text.strip().partition("=")[2].replace(":", "").lower()


@pytest.mark.needs("nginx", "openssl")
async def test_nginx_with_several_names(tmp_path: Path) -> None:
    """Per server name the prober sees exactly what `openssl s_client` sees, also for unknown names and none."""
    leaves = {site: served(site) for site in ("first.test", "second.test")}
    for site, leaf in leaves.items():
        lay_out(tmp_path / site, leaf.pem + ISSUER.pem, leaf.key_pem)
    sites = [Site(tmp_path / site, site) for site in leaves]
    with running_nginx(tmp_path / "nginx", *sites) as nginx:
        for name, expected in ((None, "first.test"), ("second.test", "second.test"), ("third.test", "first.test")):
            seen = await PROBER.probe(f"127.0.0.1:{nginx.port}", name, 10)
            shown = await asyncio.to_thread(openssl_sees, nginx.port, name)
            assert seen.result is ProbeResult.CERTIFICATE
            assert seen.fingerprint_sha256 == shown == fingerprint(leaves[expected])
            assert seen.chain_fingerprints_sha256[1:] == (fingerprint(ISSUER),)


@asynccontextmanager
async def s_server(folder: Path, *options: str, leaf: Made | None = None) -> AsyncIterator[int]:
    """The port of an `openssl s_server` on a port of the system's choice."""
    leaf = leaf or served("a.test")
    (folder / "both.pem").write_text(leaf.pem + leaf.key_pem)
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "both.pem", "-key", "both.pem", *options]
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    try:
        while not (found := re.match(rb"ACCEPT 127.0.0.1:(\d+)", line := await process.stdout.readline())):
            assert line, "s_server ended"
        yield int(found[1])
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(("version", "reason"), [("-tls1_2", "client_certificate_required"), ("-tls1_3", None)])
async def test_openssl_that_insists_on_a_client_certificate(tmp_path: Path, version: str, reason: str | None) -> None:
    """A server that really rejects us with an alert has shown its own certificate before."""
    async with s_server(tmp_path, version, "-Verify", "1", "-verify_return_error", "-CAfile", "both.pem") as port:
        seen = await PROBER.probe(f"127.0.0.1:{port}", "a.test", 10)
    assert (seen.result, seen.reason) == (ProbeResult.CERTIFICATE, reason)
    assert seen.leaf_der is not None


async def agreed(port: int, name: str | None = "a.test") -> tuple[Observation, bool]:
    """What a sweep saw, and whether it was enough; a whole handshake and `openssl s_client` see the same."""
    whole = Counting()
    seen = await SweepingProber(whole).probe(f"127.0.0.1:{port}", name, 10)
    enough = not whole.asked
    assert seen == await whole.probe(f"127.0.0.1:{port}", name, 10)
    assert seen.fingerprint_sha256 == await asyncio.to_thread(openssl_sees, port, name)
    return seen, enough


@pytest.mark.needs("nginx", "openssl")
async def test_nginx_of_tls_1_3_alone(tmp_path: Path) -> None:
    """A sweep is enough, per server name."""
    leaves = {site: served(site) for site in ("first.test", "second.test")}
    for site, leaf in leaves.items():
        lay_out(tmp_path / site, leaf.pem + ISSUER.pem, leaf.key_pem)
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx/extra.conf").write_text("ssl_protocols TLSv1.3;\n")
    with running_nginx(tmp_path / "nginx", *(Site(tmp_path / site, site) for site in leaves)) as nginx:
        for name, leaf in leaves.items():
            seen, enough = await agreed(nginx.port, name)
            assert (enough, seen.protocol, seen.fingerprint_sha256) == (True, "TLSv1.3", fingerprint(leaf))


KEYS: dict[str, tuple[PrivateKey, str]] = {
    "RSA": (rsa.generate_private_key(65537, 2048), "TLS_AES_128_GCM_SHA256"),
    "P-521": (ec.generate_private_key(ec.SECP521R1()), "TLS_CHACHA20_POLY1305_SHA256"),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), "TLS_AES_256_GCM_SHA384"),
}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("kind", KEYS)
async def test_openssl_of_tls_1_3_alone(tmp_path: Path, kind: str) -> None:
    """Signatures and ciphers of all kinds, and a client certificate that is insisted on: a sweep is enough."""
    key, cipher = KEYS[kind]
    leaf = make(cn("a.test"), [san("a.test")], key=key)
    options = ["-tls1_3", "-ciphersuites", cipher, "-Verify", "1", "-verify_return_error", "-CAfile", "both.pem"]
    async with s_server(tmp_path, *options, leaf=leaf) as port:
        seen, enough = await agreed(port)
    assert (enough, seen.protocol, seen.cipher) == (True, "TLSv1.3", cipher)


@pytest.mark.needs("openssl")
async def test_openssl_with_an_unknown_group(tmp_path: Path) -> None:
    """A server that asks for another key share first (HelloRetryRequest) is seen like any other."""
    async with s_server(tmp_path, "-tls1_3", "-groups", "P-521") as port:
        seen, enough = await agreed(port)
    assert (enough, seen.result, seen.protocol) == (False, ProbeResult.CERTIFICATE, "TLSv1.3")


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_openssl_with_a_key_for_pss_alone(tmp_path: Path, version: str) -> None:
    """A key that says what it signs with (id-RSASSA-PSS) is for a whole handshake."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-nodes"]
    files = ["-subj", "/CN=a.test", "-keyout", "pss.pem", "-out", "leaf.pem"]
    await asyncio.to_thread(subprocess.run, [*made, *files], cwd=tmp_path, check=True, capture_output=True)
    async with s_server(tmp_path, version, "-cert", "leaf.pem", "-key", "pss.pem") as port:
        seen, enough = await agreed(port)
    assert (enough, seen.result) == (False, ProbeResult.CERTIFICATE)
