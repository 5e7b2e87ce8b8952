"""Other people's servers and another client agree with what the prober sees."""

import asyncio
import re
import subprocess
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.probing.prober import TlsProber
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.protocol import ProbeResult
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
async def s_server(folder: Path, *options: str) -> AsyncIterator[int]:
    """The port of an `openssl s_server` on a port of the system's choice."""
    leaf = served("a.test")
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


@pytest.mark.needs("openssl")
async def test_openssl_with_an_unknown_group(tmp_path: Path) -> None:
    """A server that asks for another key share first (HelloRetryRequest) is seen like any other."""
    async with s_server(tmp_path, "-tls1_3", "-groups", "P-521") as port:
        seen = await PROBER.probe(f"127.0.0.1:{port}", "a.test", 10)
    assert (seen.result, seen.protocol) == (ProbeResult.CERTIFICATE, "TLSv1.3")
