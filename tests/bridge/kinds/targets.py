"""A server as a target: pushes with fences that rise, and what is seen by others than the bridge."""

from dataclasses import dataclass, replace
from itertools import count

from bridge.config import ReloadProfile
from bridge.drivers.driver import Applied
from bridge.drivers.failure import DriverFailure
from tests.bridge.deploying import AUTHORITY, Deployer, files_of, load_pair
from tests.bridge.pki import Issued
from tests.support.services.base import Server

_FENCES = count(1)


@dataclass(frozen=True)
class Target:
    """`push` and `fail` as the bridge would; `shows` is an independent client's word."""

    server: Server
    deployer: Deployer

    def with_profile(self, profile: ReloadProfile) -> "Target":
        return replace(self, deployer=self.deployer.with_config(profiles={"web": profile}))

    def with_changed(self, **changes: object) -> "Target":
        return self.with_profile(self.server.profile(**changes))

    async def push(self, issued: Issued | None = None) -> tuple[Issued, Applied]:
        new = issued or AUTHORITY.server()
        return new, await self.deployer.apply(new, next(_FENCES))

    async def fail(self, issued: Issued | None = None) -> DriverFailure:
        return await self.deployer.fail(issued or AUTHORITY.server(), next(_FENCES))

    def shows(self, issued: Issued) -> None:
        """The service and its files have this certificate, and a key that belongs to it."""
        self.server.wait_until_serves(issued.fingerprint)
        load_pair(self.server.root)
        assert issued.fullchain_pem == self.server.chain.read_text()

    def files(self) -> dict[str, bytes]:
        """Everything below the root."""
        return files_of(self.server.root)
