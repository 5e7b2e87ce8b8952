"""OpenStack's Barbican: the contract of stores, and what is its own."""

from collections.abc import Iterator

import pytest

from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer
from tests.bridge.kinds.store_contract import Contract, fail_spoiled
from tests.support.services.base import free_port
from tests.support.stores.base import deployer, is_held
from tests.support.stores.openstack import OpenStack, running_openstack

# Two servers start before the first test, perhaps beside a compiler.
pytestmark = [pytest.mark.needs("barbican"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server() -> Iterator[OpenStack]:
    with running_openstack() as started:
        yield started


class TestBarbican(Contract):
    """With Barbican and Keystone."""

    async def test_what_is_not_read_back_is_rolled_back(self, server: OpenStack, target: Deployer, name: str) -> None:
        """The container before it is the newest again, and what was made is gone."""
        await target.apply(old := AUTHORITY.server())
        before = server.everything()
        failure = await fail_spoiled(server, target, AUTHORITY.server())
        assert (FailureCause.ROLLED_BACK, False) == (failure.cause, failure.written)
        assert is_held(server, name, old)
        assert before == server.everything()

    async def test_old_containers_go_unless_somebody_uses_them(
        self, server: OpenStack, target: Deployer, name: str
    ) -> None:
        """Two are kept here, and one that a load balancer has registered with; secrets go with their containers."""
        await target.apply(used := AUTHORITY.server())
        server.use(name)
        for fence in (2, 3, 4):
            await target.apply(AUTHORITY.server(), fence)
        kept = server.containers(name)
        assert len(kept) == 3
        refs = {ref["name"]: ref["secret_ref"] for ref in kept[-1]["secret_refs"]}
        assert used.pem == server.payload(refs["certificate"])  # the word of somebody else
        named = {ref["secret_ref"] for container in server.containers() for ref in container["secret_refs"]}
        assert set(server.secrets()) == named

    async def test_what_the_role_does_not_allow_is_named(self, server: OpenStack, name: str) -> None:
        """permission_denied: whoever may read only, whom Keystone does not know, and a file that is not there."""
        await deployer(server, name).apply(old := AUTHORITY.server())
        wrong = server.clouds["member"]["auth"] | {"application_credential_secret": "wrong"}
        server.write_clouds(server.clouds | {"wrong": {"auth": wrong}})
        for changes in ({"cloud": "reader"}, {"cloud": "wrong"}, {"clouds_file": "/nonexistent"}):
            failure = await deployer(server, name, **changes).fail(AUTHORITY.server())
            assert FailureCause.PERMISSION_DENIED is failure.cause, failure.message
            assert not any(hidden in failure.message for hidden in server.hidden)
        assert is_held(server, name, old)

    async def test_without_the_cloud_the_target_is_unreachable(self, server: OpenStack, name: str) -> None:
        """target_unreachable, whichever of the two is away."""
        closed = f"http://127.0.0.1:{free_port()}"
        away = server.clouds["member"]["auth"] | {"auth_url": closed}
        server.write_clouds(server.clouds | {"away": {"auth": away}})
        for changes in ({"cloud": "away"}, {"endpoint_url": closed}):
            failure = await deployer(server, name, **changes).fail(AUTHORITY.server())
            assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)
