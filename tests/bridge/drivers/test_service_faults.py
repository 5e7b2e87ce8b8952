"""When the service refuses: the way back, the cause, the service's own words, and the certificate that is served."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bridge.config import ReloadProfile
from bridge.drivers.failure import DriverFailure, LeaseLost
from bridge.drivers.registry import drivers
from bridge.protocol import CertificateToInstall, FailureCause, Outcome
from tests.bridge.deploying import AUTHORITY, Deployer, assignment, files_of
from tests.bridge.pki import Issued
from tests.bridge.weak import weak
from tests.support.nginx import Nginx, Site, running_nginx


async def test_a_broken_configuration_is_rolled_back(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """nginx refuses its configuration: the old certificate is in place and served, nginx's own words are kept."""
    nginx.break_configuration()
    before = files_of(target.place)
    failure = await target.fail(AUTHORITY.server())
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written)
    assert 'unknown directive "no_such_directive"' in failure.message
    assert "Rolled back to by-hand" in failure.message
    assert before == files_of(target.place)
    assert first.fingerprint == nginx.serves()


async def test_after_mending_the_same_push_works(target: Deployer, nginx: Nginx) -> None:
    """A failed push leaves nothing behind that stops the next one."""
    new = AUTHORITY.server()
    nginx.break_configuration()
    await target.fail(new, fence=1)
    nginx.mend_configuration()
    assert not (await target.apply(new, fence=2)).already_in_place
    nginx.wait_until_serves(new.fingerprint)


async def test_a_stopped_nginx_is_rolled_back(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """The reload needs a running nginx; started again, it serves what it served before."""
    nginx.stop()
    failure = await target.fail(AUTHORITY.server())
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written)
    nginx.start()
    assert first.fingerprint == nginx.serves()


async def test_the_first_certificate_stays_when_the_service_refuses(target: Deployer, nginx: Nginx) -> None:
    """With nothing to go back to, the files stay (`written`), and the next attempt only has to activate them."""
    new = AUTHORITY.server()
    (target.place / "current").unlink()
    nginx.break_configuration()
    failure = await target.fail(new, fence=1)
    assert (FailureCause.SERVICE_RELOAD_FAILED, True) == (failure.cause, failure.written)
    nginx.mend_configuration()
    applied = await target.apply(new, fence=2)
    assert not applied.already_in_place
    assert f"releases/1-{new.fingerprint[:16]}" == str((target.place / "current").readlink())
    nginx.wait_until_serves(new.fingerprint)


async def test_a_reload_that_hangs_is_ended_and_rolled_back(target: Deployer, first: Issued) -> None:
    """A command gets its time and no more."""
    profiles = {"web": ReloadProfile(reload=("sleep", "3600"), timeout_seconds=0.5)}
    failure = await target.with_config(profiles=profiles).fail(AUTHORITY.server())
    assert (FailureCause.SERVICE_RELOAD_FAILED, False) == (failure.cause, failure.written)
    assert "did not end within 0.5 s" in failure.message
    assert first.fullchain_pem == (target.place / "current/fullchain.pem").read_text()


async def test_a_reload_that_puts_another_certificate_there_is_noticed(target: Deployer) -> None:
    """The files are read back after the reload: status 0 alone is no success."""
    profiles = {"web": ReloadProfile(reload=("ln", "-sfn", "by-hand", "{place}/current"))}
    failure = await target.with_config(profiles=profiles).fail(AUTHORITY.server())
    assert (FailureCause.ROLLED_BACK, False) == (failure.cause, failure.written)


async def test_a_key_of_another_certificate_is_refused_before_anything_is_touched(target: Deployer) -> None:
    """Certificate and key are compared in the bridge, not left to the service."""
    before = files_of(target.place)
    failure = await target.fail(replace(AUTHORITY.server(), key=AUTHORITY.server().key))
    assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (failure.cause, failure.written)
    assert before == files_of(target.place)


async def test_a_certificate_that_was_not_approved_is_refused(target: Deployer) -> None:
    """The leaf of the chain must have the fingerprint of the assignment."""
    approved, other = AUTHORITY.server(), AUTHORITY.server()
    work = assignment(target.settings, approved)
    certificate = CertificateToInstall(fingerprint_sha256=approved.fingerprint, fullchain_pem=other.fullchain_pem)
    job = target.job(msgspec.structs.replace(work, certificate=certificate), other.key_pem)
    with pytest.raises(DriverFailure) as caught:
        await drivers(target.config)["nginx"].apply(job)
    assert FailureCause.INVALID_CERTIFICATE_OR_KEY is caught.value.cause


async def test_a_pair_that_nginx_itself_refuses_has_that_cause(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """A 1024-bit key is a matching pair that OpenSSL does not load: the cause is the pair, not the service."""
    refused = weak()
    job = target.job(assignment(target.settings, refused), refused.key_pem)
    with pytest.raises(DriverFailure) as caught:
        await drivers(target.config)["nginx"].apply(job)
    assert (FailureCause.INVALID_CERTIFICATE_OR_KEY, False) == (caught.value.cause, caught.value.written)
    assert "key too small" in caught.value.message
    assert first.fingerprint == nginx.serves()
    assert ["test", "roll_back"] == [step.name for step in job.steps.reports][-2:]
    assert Outcome.FAILED is job.steps.reports[-2].outcome


async def test_a_lost_lease_stops_before_the_swap(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """The guard is asked after the files are written and before they are in use: lost means nothing is left."""
    before = files_of(target.place)
    seen: list[set[str]] = []

    async def lost_at_the_swap() -> None:
        seen.append(set(files_of(target.place)))
        if len(seen) == 2:
            raise LeaseLost("another lease decides")

    new = AUTHORITY.server()
    failure = await target.fail(new, 3, lost_at_the_swap)
    assert f"releases/3-{new.fingerprint[:16]}/privkey.pem" in seen[1]
    assert (FailureCause.BRIDGE_DISCONNECTED, False) == (failure.cause, failure.written)
    assert before == files_of(target.place)
    assert first.fingerprint == nginx.serves()


async def test_two_virtual_hosts_change_alone(local: Deployer, root: Path, tmp_path: Path, first: Issued) -> None:
    """A push to one profile reloads nginx, and the other virtual host keeps its certificate."""
    shop, mail = replace(local, profile="shop"), replace(local, profile="mail")
    no_reload = {"web": ReloadProfile()}
    for deployer in (shop, mail):
        await deployer.with_config(profiles=no_reload).apply(first)
    with running_nginx(tmp_path / "second", Site(shop.place, "shop.test"), Site(mail.place, "mail.test")) as nginx:
        profile = ReloadProfile(test=nginx.test_argv, reload=nginx.reload_argv)
        new = AUTHORITY.server()
        await mail.with_config(profiles={"web": profile}).apply(new, fence=2)
        nginx.wait_until_serves(new.fingerprint, "mail.test")
        assert first.fingerprint == nginx.serves("shop.test")
