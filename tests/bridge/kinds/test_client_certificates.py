"""Client certificates: a client uses what was pushed to it, and a real nginx that asks for one sees that identity."""

import hashlib
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bridge.config import ReloadProfile
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.bridge.pki import Authority, Issued
from tests.support.nginx import Site, lay_out, running_nginx
from tests.support.services.base import free_port
from tests.support.sshd import Sshd

_CLIENTS = """\
server {{
  listen 127.0.0.1:{port} ssl;
  ssl_certificate "{place}/current/fullchain.pem";
  ssl_certificate_key "{place}/current/privkey.pem";
  ssl_client_certificate "{authority}";
  ssl_verify_client on;
  location / {{ return 200 "$ssl_client_fingerprint"; }}
}}
"""


@dataclass(frozen=True)
class Door:
    """An nginx that lets nobody in without a certificate of the authority, and says whom it sees."""

    port: int
    authority: Path

    def ask(self, place: Path | None) -> tuple[int, str]:
        """(status, body) for a client with the certificate of a place."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if place is not None:
            context.load_cert_chain(place / "current/fullchain.pem", place / "current/privkey.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def door(tmp_path: Path, first: Issued) -> Iterator[Door]:
    place, directory = tmp_path / "door", tmp_path / "nginx"
    lay_out(place, first.fullchain_pem, first.key_pem)
    authority = tmp_path / "authority.pem"
    authority.write_text(AUTHORITY.root.pem)
    directory.mkdir()
    port = free_port()
    (directory / "extra-clients.conf").write_text(_CLIENTS.format(port=port, place=place, authority=authority))
    with running_nginx(directory, Site(place)):
        yield Door(port, authority)


@pytest.fixture(params=["local", "ssh"])
def client(request: pytest.FixtureRequest, root: Path, door: Door, sshd: Sshd) -> Deployer:
    """Of the kind `files`: nothing is reloaded, and OpenSSL says whether it can be a client's."""
    verify = ("openssl", "verify", "-purpose", "sslclient", "-CAfile", str(door.authority))
    profiles = {"web": ReloadProfile(test=(*verify, "{place}/current/fullchain.pem"))}
    local = {"transport": "local", "root": str(root), "reload_profile": "web"}
    target = Deployer(local, config_for(root, (), ()), kind="files").with_config(profiles=profiles)
    if request.param == "local":
        return target
    return replace(target, settings=sshd.settings(root, "web"), secrets={"ssh_private_key": sshd.user_key})


def seen(issued: Issued) -> tuple[int, str]:
    """What nginx says of a client: the SHA-1 of its certificate."""
    return 200, hashlib.sha1(issued.der).hexdigest()


@pytest.mark.needs("nginx", "openssl")
async def test_the_identity_that_was_pushed_is_seen(client: Deployer, door: Door) -> None:
    """The first one and, after the next push, the next one: without anything being told to the client."""
    for fence in (1, 2):
        new = AUTHORITY.client("courier.example")
        await client.apply(new, fence)
        assert seen(new) == door.ask(client.place)


@pytest.mark.needs("nginx", "openssl")
async def test_a_server_s_certificate_is_no_client_s(client: Deployer, door: Door) -> None:
    """OpenSSL on the target refuses it for this purpose: the client keeps its identity."""
    old = AUTHORITY.client()
    await client.apply(old)
    failure = await client.fail(AUTHORITY.server(), fence=2)
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written)
    assert "unsuitable certificate purpose" in failure.message
    assert seen(old) == door.ask(client.place)


@pytest.mark.needs("nginx", "openssl")
async def test_without_a_certificate_or_with_a_stranger_s_nobody_comes_in(door: Door, tmp_path: Path) -> None:
    """What makes the other tests mean something: this door looks."""
    stranger = Authority.create("Another CA").client()
    lay_out(tmp_path / "stranger", stranger.fullchain_pem, stranger.key_pem)
    assert [400, 400] == [door.ask(place)[0] for place in (None, tmp_path / "stranger")]
