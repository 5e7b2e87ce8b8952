"""Kubernetes: the contract of stores, and what is its own. The API server is real and perhaps still being built."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.drivers.pair import check_pair
from bridge.drivers.registry import drivers
from bridge.drivers.stores.driver import StoreDriver
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, assignment
from tests.bridge.kinds.store_contract import Contract, fail_spoiled
from tests.support.services.base import free_port
from tests.support.stores.apiserver import NEEDS
from tests.support.stores.base import deployer, is_held
from tests.support.stores.kubernetes import OTHER, TOKENS, Kubernetes, running_kubernetes

# The first test may have to wait for the build.
pytestmark = [pytest.mark.needs("etcd", *NEEDS), pytest.mark.timeout(1_500)]


@pytest.fixture(scope="module")
def server() -> Iterator[Kubernetes]:
    with running_kubernetes() as started:
        yield started


class TestKubernetes(Contract):
    """With kube-apiserver and etcd."""

    async def test_the_same_content_keeps_its_version(self, server: Kubernetes, target: Deployer, name: str) -> None:
        """Applied again for real, as after a crash: the API server itself sees no change."""
        await target.apply(new := AUTHORITY.server())
        before = server.secret(name)
        driver = drivers(target.config)["kubernetes"]
        assert isinstance(driver, StoreDriver)
        job = target.job(assignment(target.settings, new, target_kind="kubernetes"), new.key_pem)
        async with driver.open(job) as (store, _):
            found = await store.look(name)
            assert job.assignment.certificate is not None
            await store.put(name, check_pair(job.assignment.certificate, new.key_pem), found)
        assert before is not None
        assert before == server.secret(name)
        assert [("certferry", "Apply")] == [
            (each["manager"], each["operation"]) for each in before["metadata"]["managedFields"]
        ]

    async def test_what_is_not_read_back_is_rolled_back(self, server: Kubernetes, target: Deployer, name: str) -> None:
        """The content before it is applied again, key and all."""
        await target.apply(old := AUTHORITY.server())
        failure = await fail_spoiled(server, target, AUTHORITY.server())
        assert (FailureCause.ROLLED_BACK, False) == (failure.cause, failure.written)
        assert is_held(server, name, old)

    async def test_what_others_applied_is_taken_over_by_leave_only(self, server: Kubernetes, name: str) -> None:
        """409 names who it was; with `take_over` in the bridge's configuration the push goes on."""
        server.by_hand(name, by_hand := AUTHORITY.server())
        failure = await deployer(server, name).fail(AUTHORITY.server())
        assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)
        assert "kubectl-create" in failure.message
        assert "take_over" in failure.message
        assert is_held(server, name, by_hand)
        await deployer(server, name, take_over=True).apply(new := AUTHORITY.server())
        assert is_held(server, name, new)

    async def test_a_secret_of_another_type_is_left_alone(
        self, server: Kubernetes, target: Deployer, name: str
    ) -> None:
        """Types cannot be changed, and what is in it is somebody else's."""
        server.by_hand(name, AUTHORITY.server(), "Opaque")
        failure = await target.fail(AUTHORITY.server())
        assert failure.written is False
        assert "is of type Opaque" in failure.message

    async def test_what_is_not_allowed_is_named(self, server: Kubernetes, target: Deployer, name: str) -> None:
        """permission_denied: by RBAC in its own words, by the bridge's owner, by a token that nobody knows."""
        await target.apply(old := AUTHORITY.server())
        reader = deployer(server, name, kubeconfig=str(server.kubeconfig("reader", TOKENS["reader"])))
        elsewhere = replace(target, settings=target.settings | {"namespace": OTHER})
        narrow = replace(elsewhere, config=server.config(namespaces=("shop",)))
        wrong = deployer(server, name, kubeconfig=str(server.kubeconfig("wrong", "token-of-nobody")))
        for refused, words in (
            (reader, 'User "reader" cannot patch resource "secrets"'),
            (elsewhere, 'in the namespace "elsewhere"'),
            (narrow, "does not allow the namespace 'elsewhere'"),
            (wrong, "does not know the bridge's token (401)"),
        ):
            failure = await refused.fail(AUTHORITY.server())
            assert (FailureCause.PERMISSION_DENIED, False) == (failure.cause, failure.written)
            assert words in failure.message
            assert "token-of" not in failure.message
        assert is_held(server, name, old)

    async def test_the_dry_run_asks_for_permission(self, server: Kubernetes, name: str) -> None:
        """By an apply that the server does not keep: whoever may only read is told so."""
        reader = deployer(server, name, kubeconfig=str(server.kubeconfig("reader", TOKENS["reader"])))
        with pytest.raises(Exception, match="cannot patch"):
            await reader.test()
        assert server.held(name) is None

    async def test_a_server_that_cannot_be_believed(self, server: Kubernetes, name: str) -> None:
        """Nothing listens, another CA than the file's, and a file that would have nobody checked."""
        away = f"https://127.0.0.1:{free_port()}"
        changes: tuple[dict[str, Any], ...] = (
            {"server": away},
            {"certificate-authority-data": None},
            {"insecure-skip-tls-verify": True},
        )
        for number, change in enumerate(changes):
            path = server.kubeconfig(str(number), TOKENS["bridge"], **change)
            failure = await deployer(server, name, kubeconfig=str(path)).fail(AUTHORITY.server())
            cause = FailureCause.UNKNOWN if number == 2 else FailureCause.TARGET_UNREACHABLE
            assert (cause, False) == (failure.cause, failure.written), failure.message
