"""AWS Certificate Manager: the contract of stores, and what is ACM's own."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.drivers.stores.aws import PLACE
from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer
from tests.bridge.kinds.store_contract import Contract, fail_spoiled
from tests.bridge.pki import SERVER, Issued
from tests.support.services.base import free_port
from tests.support.stores.aws import Aws, running_aws
from tests.support.stores.base import deployer, is_held


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    with running_aws() as started:
        yield started


class TestAcm(Contract):
    """With moto's server."""

    async def test_the_arn_stays(self, server: Aws, target: Deployer, name: str) -> None:
        """Load balancers name it: a push re-imports under the one that carries the tag, with an old bridge or a new."""
        arn = server.by_hand(Tags=[{"Key": PLACE, "Value": name}])
        for pushing in (target, target, deployer(server, name)):
            new = AUTHORITY.server()
            await pushing.apply(new)
            assert is_held(server, name, new)
            found = server.held(name)
            assert found is not None
            assert arn == found.reference

    async def test_two_certificates_with_the_tag_are_not_guessed_between(
        self, server: Aws, target: Deployer, name: str
    ) -> None:
        """Whoever tagged both has to say which one is meant."""
        both = {server.by_hand(Tags=[{"Key": PLACE, "Value": name}]) for _ in range(2)}
        failure = await target.fail(AUTHORITY.server())
        assert failure.written is False
        assert all(arn in failure.message for arn in both)
        for arn in both:
            server.acm.delete_certificate(CertificateArn=arn)

    async def test_what_somebody_else_imported_meanwhile_cannot_be_taken_back(
        self, server: Aws, target: Deployer
    ) -> None:
        """ACM gives no private key back, and the report says so rather than to pretend."""
        await target.apply(AUTHORITY.server())
        failure = await fail_spoiled(server, target, AUTHORITY.server())
        assert (FailureCause.ROLLED_BACK, True) == (failure.cause, failure.written)
        assert "gives no private key back" in failure.message

    async def test_keys_that_acm_does_not_take(self, server: Aws, target: Deployer, name: str) -> None:
        """Refused before AWS is asked; what was there is there still."""
        old = AUTHORITY.server()
        await target.apply(old)
        key = rsa.generate_private_key(65537, 1024)
        weak = AUTHORITY.sign("target.example", key.public_key(), SERVER)  # type: ignore[arg-type]
        failure = await target.fail(Issued(weak, key, (AUTHORITY.root.certificate,)))
        assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (failure.cause, failure.written)
        assert is_held(server, name, old)

    async def test_what_the_policy_does_not_allow_is_named(self, server: Aws, name: str) -> None:
        """permission_denied, in AWS's words: a user who may look but not import, and a key that nobody has."""
        await deployer(server, name).apply(old := AUTHORITY.server())
        with server.looking_at_permissions({"Action": ["acm:List*", "acm:Get*"]}):
            denied = await deployer(server, name).fail(AUTHORITY.server())
            assert (FailureCause.PERMISSION_DENIED, False) == (denied.cause, denied.written), denied.message
            assert "acm:ImportCertificate" in denied.message
            wrong = await deployer(server, name, credentials_file="/nonexistent").fail(AUTHORITY.server())
            assert FailureCause.PERMISSION_DENIED is wrong.cause
        assert is_held(server, name, old)

    async def test_without_aws_the_target_is_unreachable(self, server: Aws, name: str) -> None:
        """target_unreachable, and no credential in any word."""
        closed = deployer(server, name, endpoint_url=f"http://127.0.0.1:{free_port()}")
        failure = await closed.fail(AUTHORITY.server())
        assert (FailureCause.TARGET_UNREACHABLE, False) == (failure.cause, failure.written)
        assert not any(hidden in failure.message for hidden in server.hidden)
