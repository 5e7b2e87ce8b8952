"""A real pebble that refuses half of all requests for their nonce, and what its validation finds of ours."""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from adapters.issuers.acme.orders import AcmeOrders, AcmeTools
from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings
from adapters.issuers.requesting import Requesting
from adapters.issuing import Vault
from adapters.keys.generating import generate_key
from adapters.simulated.vault import MemoryVault
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from domain.certificate_order import Provider
from tests.support.pebble import Pebble, running_pebble

PROVIDER_ID = UUID(int=7)


class Tokens(dict[str, str]):
    """Shows nothing to anybody: for providers that show what they have by files or records."""

    async def show(self, token: str, value: str) -> None:
        self[token] = value

    async def hide(self, token: str) -> None:
        self.pop(token, None)


class AcmeDesk(NamedTuple):
    """ACME providers at one pebble."""

    ca: Pebble
    webroot: Path
    changes: Mapping[str, Any] = MappingProxyType({})
    secrets: AcmeSecrets = AcmeSecrets()
    hook: tuple[str, ...] = ()
    provider: Provider = Provider.ACME
    tells: bool = True

    def settings(self) -> AcmeSettings:
        chosen: dict[str, Any] = {
            "directory_url": self.ca.directory_url,
            "ca_certificates_pem": self.ca.trusted_pem,
            "terms_of_service_agreed": True,
            "solver": "http_webroot",
            **self.changes,
        }
        return AcmeSettings(**chosen)

    def issuer(self, vault: Vault) -> AcmeOrders:
        tools = AcmeTools(
            store=vault,
            requesting=Requesting(generate_key, read_request, vault),
            reader=X509Reader(),
            clock=lambda: datetime.now(UTC),
            tokens=Tokens(),
            webroot=self.webroot,
            dns_hook=self.hook,
        )
        return AcmeOrders(PROVIDER_ID, self.settings(), self.secrets, tools)

    def issued(self) -> int:
        return len(self.ca.issued())

    def left_over(self) -> list[str]:
        """Files of challenges that nobody took away."""
        return [path.name for path in self.webroot.rglob("*") if path.is_file()]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        pass


@pytest.fixture(scope="package")
def webroot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """A directory that is served on a port."""
    root = tmp_path_factory.mktemp("webroot")

    def handler(*arguments: Any) -> _Quiet:
        return _Quiet(*arguments, directory=str(root))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield root, server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="package")
def pebble(tmp_path_factory: pytest.TempPathFactory, webroot: tuple[Path, int]) -> Iterator[Pebble]:
    with running_pebble(tmp_path_factory.mktemp("pebble"), http_port=webroot[1]) as found:
        yield found


@pytest.fixture
def desk(pebble: Pebble, webroot: tuple[Path, int]) -> AcmeDesk:
    return AcmeDesk(pebble, webroot[0])


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()
