"""certbot, lego and our own providers at the service, over TLS: binding, http-01, dns-01, renewal as it suggests."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import trustme
import uvicorn
from cryptography import x509

from adapters.demo.ports import free_port
from adapters.issuers.acme.orders import AcmeOrders, AcmeTools
from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings, Rfc2136
from adapters.issuers.requesting import Requesting
from adapters.keys.generating import generate_key
from adapters.settings import AcmeServer
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from api.cli.working import work
from application.issuing_ports import IssuedCertificate, RevokedCertificate
from domain.certificate_facts import CertificateFacts
from domain.certificate_order import OrderParameters, Provider
from domain.errors import Refused
from domain.ids import certificate_id
from tests.adapters.issuers.acme.conftest import Tokens
from tests.api.acme_desk import eab
from tests.api.desk import Desk, in_one_task, open_desk
from tests.contracts.orders_contract import answered
from tests.support.components import require
from tests.support.nameserver import HOST, KEY, ZONE, NameServer, running_name_server
from tests.support.postgres import Pg

API = "/api/v1"
_PATIENCE_SECONDS = 120.0


class Place:
    """The service with its worker behind TLS, and what clients have to know."""

    def __init__(self, desk: Desk, url: str, http_port: int, names: NameServer, directory: Path) -> None:
        self.desk = desk
        self.server = f"{url}/acme/directory"
        self.http_port = str(http_port)
        self.names = names
        self.directory = directory
        self.trusted = directory / "trusted.pem"
        self.vault = MemoryVault()

    async def run(self, program: str, *arguments: str, **variables: str) -> str:
        """Run a client to its end; what it said. It must succeed."""
        path = str(require(program))
        trusting = {"REQUESTS_CA_BUNDLE": str(self.trusted), "LEGO_CA_CERTIFICATES": str(self.trusted)}
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), "LANG": "C.UTF-8"} | trusting | variables,
        )
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = said.decode(errors="replace")
        assert process.returncode == 0, text
        return text

    async def certificate(self, path: Path) -> dict[str, Any]:
        """The inventory's certificate of a file that a client wrote; its order was a client's."""
        serial = _serial_number(path)
        auditor = self.desk.as_("auditor")
        await self.desk.settled()
        items = (await auditor.get(f"{API}/certificates", params={"limit": 200})).json()["items"]
        details = [(await auditor.get(f"{API}/certificates/{item['id']}")).json() for item in items]
        [found] = [each for each in details if int(each["serial_number"], 16) == serial]
        orders = (await auditor.get(f"{API}/orders", params={"certificate_id": found["id"]})).json()["items"]
        assert ["acme_client"] == [order["requested_by"]["kind"] for order in orders]
        return dict(found)


def _serial_number(path: Path) -> int:
    return x509.load_pem_x509_certificates(path.read_bytes())[0].serial_number


@asynccontextmanager
async def serving(desk: Desk, port: int, authority: trustme.CA) -> AsyncIterator[None]:
    """The API over TLS on a port."""
    config = uvicorn.Config(desk.app, host=HOST, port=port, lifespan="off", log_config=None, access_log=False)
    config.load()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", HOST).configure_cert(context)
    config.ssl = context
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def place(pg: Pg, tmp_path: Path) -> AsyncIterator[Place]:
    """Everything on this host: names are asked of bind, and lead here."""
    port, http_port, authority = free_port(HOST), free_port(HOST), trustme.CA()
    url = f"https://localhost:{port}"
    with running_name_server(tmp_path / "names") as names:
        chosen = AcmeServer(http_port=http_port, dns_servers=(f"{HOST}:{names.port}",), allow=("127.0.0.0/8",))
        opened = open_desk(pg, tmp_path, work=work, acme_server=chosen, url=url)
        async with in_one_task(opened) as desk, serving(desk, port, authority):
            authority.cert_pem.write_to_path(tmp_path / "trusted.pem")
            yield Place(desk, url, http_port, names, tmp_path)


def _certbot(place: Place, command: str, *arguments: str) -> tuple[str, ...]:
    directories = [f"--{kind}-dir={place.directory / 'certbot' / kind}" for kind in ("config", "work", "logs")]
    return (command, "--non-interactive", *directories, *arguments)


@pytest.mark.needs("certbot", "certbot-dns-rfc2136", "named")
async def test_certbot(place: Place) -> None:
    """Registers with its binding; a certificate for two names by http-01, renews it; a wildcard, which it revokes."""
    kid, mac_key = await eab(place.desk)
    at = ("--server", place.server)
    who = ("--agree-tos", "--register-unsafely-without-email", "--eab-kid", kid, "--eab-hmac-key", mac_key)
    alone = ("--standalone", "--http-01-address", HOST, "--http-01-port", place.http_port)
    names = ("-d", "www.example.org", "-d", "shop.example.org")
    await place.run("certbot", *_certbot(place, "certonly", *at, *who, *alone, *names))
    live = place.directory / "certbot" / "config" / "live"
    first = await place.certificate(live / "www.example.org" / "cert.pem")
    assert {"www.example.org", "shop.example.org"} == set(first["subject_alternative_names"])
    assert ("local_pki", "active", False) == (first["provider"], first["status"], first["has_private_key"])
    await place.run("certbot", *_certbot(place, "renew", "--force-renewal", "--no-random-sleep-on-renew"))
    second = await place.certificate(live / "www.example.org" / "cert.pem")
    assert first["id"] != second["id"]
    credentials = place.directory / "rfc2136.ini"
    values = {"server": HOST, "port": place.names.port, "name": f"{KEY}.", "secret": place.names.secret}
    values["algorithm"] = "HMAC-SHA256"
    credentials.write_text("".join(f"dns_rfc2136_{name} = {value}\n" for name, value in values.items()))
    credentials.chmod(0o600)
    by_dns = ("--dns-rfc2136", "--dns-rfc2136-credentials", str(credentials), "--dns-rfc2136-propagation-seconds", "0")
    await place.run("certbot", *_certbot(place, "certonly", *at, *by_dns, "-d", f"*.{ZONE}"))
    wildcard = await place.certificate(live / ZONE / "cert.pem")
    assert [f"*.{ZONE}"] == wildcard["subject_alternative_names"]
    assert [] == place.names.texts(f"_acme-challenge.{ZONE}")
    revoked = ("--cert-path", str(live / ZONE / "cert.pem"), "--no-delete-after-revoke", "--reason", "superseded")
    await place.run("certbot", *_certbot(place, "revoke", *at, *revoked))
    assert "revoked" == (await place.certificate(live / ZONE / "cert.pem"))["status"]


@pytest.mark.needs("lego", "named")
async def test_lego(place: Place) -> None:
    """The same with lego, whose account key is P-256; and what it leaves verifies against Local PKI's root."""
    kid, mac_key = await eab(place.desk)
    at = ("--server", place.server, "--accept-tos", "--email", "owner@example.org", "--path", str(place.directory))
    bound = ("--eab", "--kid", kid, "--hmac", mac_key)
    by_http = ("--http", "--http.port", f"{HOST}:{place.http_port}")
    await place.run("lego", *at, *bound, *by_http, "--domains", "www.example.org", "run")
    written = place.directory / "certificates" / "www.example.org.crt"
    first = await place.certificate(written)
    assert ["www.example.org"] == first["subject_alternative_names"]
    again = ("renew", "--days", "1000", "--no-random-sleep")
    await place.run("lego", *at, *bound, *by_http, "--domains", "www.example.org", *again)
    assert first["id"] != (await place.certificate(written))["id"]
    root = place.directory / "root.pem"
    root.write_text((await place.desk.client().get("/pki/ca.pem")).text)
    issuer = place.directory / "certificates" / "www.example.org.issuer.crt"
    said = await place.run("openssl", "verify", "-CAfile", str(root), "-untrusted", str(issuer), str(written))
    assert said.endswith(": OK\n")
    variables = {
        "RFC2136_NAMESERVER": f"{HOST}:{place.names.port}",
        "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
        "RFC2136_TSIG_KEY": KEY,
        "RFC2136_TSIG_SECRET": place.names.secret,
    }
    by_dns = ("--dns", "rfc2136", "--dns.disable-cp", "--dns.resolvers", f"{HOST}:{place.names.port}")
    await place.run("lego", *at, *bound, *by_dns, "--domains", f"*.{ZONE}", "run", **variables)
    written = place.directory / "certificates" / f"_.{ZONE}.crt"
    assert [f"*.{ZONE}"] == (await place.certificate(written))["subject_alternative_names"]
    await place.run("lego", *at, *bound, "--domains", f"*.{ZONE}", "revoke", "--keep")
    assert "revoked" == (await place.certificate(written))["status"]


def _provider(place: Place, kid: str, mac_key: str, former: CertificateFacts | None = None) -> AcmeOrders:
    """The service as somebody's ACME CA."""

    async def known(_: UUID) -> CertificateFacts | None:
        return former

    requesting = Requesting(generate_key, read_request, place.vault)
    server = Rfc2136(server=HOST, port=place.names.port, zone=ZONE, key_name=KEY)
    settings = AcmeSettings(
        directory_url=place.server,
        ca_certificates_pem=place.trusted.read_text(),
        solver="dns_rfc2136",
        rfc2136=server,
        eab_key_id=kid,
    )
    secrets = AcmeSecrets(eab_hmac_key=mac_key, tsig_secret=place.names.secret)
    tools = AcmeTools(place.vault, requesting, X509Reader(), place.desk.core.house.clock, Tokens(), former=known)
    return AcmeOrders(UUID(int=7), settings, secrets, tools)


async def _issued(issuer: AcmeOrders, renews: UUID | None = None) -> IssuedCertificate:
    wish = OrderParameters(provider=Provider.ACME, common_name=f"www.{ZONE}", validity_days=90, renews=renews)
    return await answered(issuer, uuid4(), wish)


async def _shown(place: Place, facts: CertificateFacts) -> dict[str, Any]:
    await place.desk.settled()
    path = f"{API}/certificates/{certificate_id(facts.fingerprint_sha256)}"
    found: dict[str, Any] = (await place.desk.as_("auditor").get(path)).json()
    return found


@pytest.mark.needs("named")
async def test_our_own_providers_renew_as_the_service_suggests(place: Place) -> None:
    """The window and how long it holds; the renewal says what it replaces, so that the service links both; of a revoked
    certificate the window is over; a certificate that is not the CA's own is its no, and is renewed all the same.
    """
    kid, mac_key = await eab(place.desk)
    issuer = _provider(place, kid, mac_key)
    first = (await _issued(issuer)).leaf.facts
    said = await issuer.suggested(first)
    lifetime = first.not_after - first.not_before
    start = first.not_before + lifetime * 2 / 3
    assert said.window is not None
    assert timedelta(seconds=1) > abs(said.window.start - start)
    assert timedelta(seconds=1) > abs(said.window.end - start - lifetime / 12)
    assert timedelta(minutes=1) > abs(said.again_at - datetime.now(UTC) - timedelta(hours=6))
    renewed = await _issued(_provider(place, kid, mac_key, first), UUID(int=1))
    second = renewed.leaf.facts
    old, new = await _shown(place, first), await _shown(place, second)
    assert (new["id"], old["id"]) == (old["renewed_to"], new["renewed_from"])
    third = (await _issued(_provider(place, kid, mac_key, first), UUID(int=1))).leaf.facts
    assert (await _shown(place, third))["renewed_from"] is None  # it was replaced already: asked without
    await issuer.revoke(RevokedCertificate(second, renewed.leaf.der, "superseded"))
    said = await issuer.suggested(second)
    assert said.window is not None
    assert said.window.end <= datetime.now(UTC)
    foreign = msgspec.structs.replace(first, serial_number="01")
    with pytest.raises(Refused, match="No such certificate was issued here"):
        await issuer.suggested(foreign)
    fourth = (await _issued(_provider(place, kid, mac_key, foreign), UUID(int=1))).leaf.facts
    assert (await _shown(place, fourth))["renewed_from"] is None
