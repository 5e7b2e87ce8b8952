"""What every store promises, each with its real server, and what is seen in it by others than the bridge."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure, LeaseLost
from bridge.drivers.registry import drivers
from bridge.drivers.stores.driver import StoreDriver
from bridge.protocol import AssignmentKind, FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, assignment
from tests.bridge.pki import Authority, Issued
from tests.support.services.base import free_port
from tests.support.stores.base import StoreServer, deployer, is_held

_NUMBERS = count(1)


class Spoiled:
    """A store in which somebody else changes what was written before it is read back."""

    def __init__(self, store: Any, server: StoreServer) -> None:
        self._store = store
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, name: str, *given: Any) -> str:
        reference: str = await self._store.put(name, *given)
        self._server.spoil(name)
        return reference


async def fail_spoiled(server: StoreServer, target: Deployer, new: Issued) -> DriverFailure:
    """A push whose read-back finds something else."""
    driver = drivers(target.config)[server.kind]
    assert isinstance(driver, StoreDriver)

    @contextlib.asynccontextmanager
    async def opened(job: Job) -> AsyncIterator[tuple[Any, str]]:
        async with driver.open(job) as (store, name):
            yield Spoiled(store, server), name

    work = target.job(assignment(target.settings, new, target_kind=server.kind), new.key_pem)
    with pytest.raises(DriverFailure) as caught:
        await StoreDriver(opened).apply(work)
    return caught.value


class Contract:
    """Of every store. Subclasses have the fixture `server`."""

    @pytest.fixture
    def name(self) -> str:
        """A place that no other test has."""
        return f"place-{next(_NUMBERS)}"

    @pytest.fixture
    def target(self, server: StoreServer, name: str) -> Deployer:
        return deployer(server, name)

    async def test_a_pushed_certificate_is_held(self, server: StoreServer, target: Deployer, name: str) -> None:
        """Exactly what was pushed, chain and key; the next one takes its place."""
        for fence in (1, 2):
            new = AUTHORITY.server()
            applied = await target.apply(new, fence)
            assert (new.fingerprint, False) == (applied.fingerprint, applied.already_in_place)
            assert is_held(server, name, new)

    async def test_what_is_in_place_is_not_written_again(self, server: StoreServer, target: Deployer) -> None:
        """Nothing in the store changes."""
        new = AUTHORITY.server()
        await target.apply(new)
        before = server.everything()
        assert (await target.apply(new, fence=2)).already_in_place
        assert before == server.everything()

    async def test_what_does_not_belong_together_is_refused(self, server: StoreServer, target: Deployer) -> None:
        """By the bridge, since stores take anything: a foreign key, a foreign chain, and no key at all."""
        await target.apply(AUTHORITY.server())
        before = server.everything()
        good, stranger = AUTHORITY.server(), Authority.create("Another CA").root
        for bad in (replace(good, key=AUTHORITY.server().key), replace(good, chain=(stranger.certificate,))):
            failure = await target.fail(bad, fence=2)
            assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (failure.cause, failure.written)
        keyless = target.job(assignment(target.settings, good, target_kind=server.kind), None)
        with pytest.raises(DriverFailure, match="Only certificates with a stored private key"):
            await drivers(target.config)[server.kind].apply(keyless)
        assert before == server.everything()

    async def test_a_lost_lease_changes_nothing(self, server: StoreServer, target: Deployer) -> None:
        """Somebody else decides by now."""

        async def lost() -> None:
            raise LeaseLost("gone")

        await target.apply(AUTHORITY.server())
        before = server.everything()
        with pytest.raises(LeaseLost):
            await target.apply(AUTHORITY.server(), 2, lost)
        assert before == server.everything()

    async def test_a_first_push_that_is_not_read_back_leaves_nothing(
        self, server: StoreServer, target: Deployer, name: str
    ) -> None:
        """rolled_back: what was made is gone again."""
        failure = await fail_spoiled(server, target, AUTHORITY.server())
        assert (FailureCause.ROLLED_BACK, False) == (failure.cause, failure.written)
        assert server.held(name) is None

    async def test_what_is_there_is_read_back(self, server: StoreServer, target: Deployer, name: str) -> None:
        """The target's own place, and a profile as the place of that name."""
        own, other = AUTHORITY.server(), AUTHORITY.server()
        await target.apply(own)
        await replace(target, profile=f"{name}-profile").apply(other)
        assert is_held(server, f"{name}-profile", other)
        found = {each.profile: each for each in (await target.discover()).found}
        assert (own.fingerprint, own.pem) == (found[None].fingerprint_sha256, found[None].certificate_pem)
        assert other.fingerprint == found[f"{name}-profile"].fingerprint_sha256
        held = server.held(name)
        assert held is not None
        assert held.reference == found[None].place

    async def test_the_dry_run_changes_nothing(self, server: StoreServer, target: Deployer) -> None:
        """Test Connection: asked, and all is as it was."""
        new = AUTHORITY.server()
        await target.apply(new)
        before = server.everything()
        sentence, steps = await target.test()
        assert new.fingerprint in sentence
        assert ("connect", "probe", "read_back") == steps
        assert before == server.everything()

    async def test_an_entry_that_the_owner_does_not_have_is_refused(
        self, server: StoreServer, target: Deployer
    ) -> None:
        """Settings name an entry of the bridge's configuration, and can say nothing else of it."""
        first = next(iter(target.settings))
        unknown = replace(target, settings=target.settings | {first: "unknown"})
        failure = await unknown.fail(AUTHORITY.server())
        assert "The bridge's configuration has no" in failure.message
        elsewhere = replace(target, settings=target.settings | {"endpoint_url": f"http://127.0.0.1:{free_port()}"})
        assert "refused" in (await elsewhere.fail(AUTHORITY.server())).message

    async def test_no_keys_are_made_there(self, server: StoreServer, target: Deployer) -> None:
        """The control plane does not ask for it; a bridge that is asked all the same refuses."""
        work = assignment(target.settings, kind=AssignmentKind.ENDPOINT_CSR, target_kind=server.kind)
        with pytest.raises(DriverFailure, match="no keys can be made"):
            await drivers(target.config)[server.kind].request(target.job(work, None))
