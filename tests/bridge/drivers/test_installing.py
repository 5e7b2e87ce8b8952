"""Installing on nginx, locally and over SSH: what the target holds, serves and reports afterwards."""

import stat
from dataclasses import replace
from pathlib import Path

from bridge.protocol import FailureCause
from tests.bridge.deploying import AUTHORITY, Deployer, files_of
from tests.bridge.pki import Issued
from tests.support.nginx import Nginx


async def test_a_pushed_certificate_is_served(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """A TLS client sees the first certificate before the push and exactly the pushed one after it."""
    new = AUTHORITY.server()
    assert first.fingerprint == nginx.serves()
    applied = await target.apply(new, fence=7)
    assert (new.fingerprint, False) == (applied.fingerprint, applied.already_in_place)
    nginx.wait_until_serves(new.fingerprint)


async def test_the_layout_is_one_link_to_a_release(target: Deployer) -> None:
    """`current` leads to the release named by fence and fingerprint; chain and key are exactly what was pushed."""
    new = AUTHORITY.server()
    await target.apply(new, fence=7)
    release = f"releases/7-{new.fingerprint[:16]}"
    assert release == str((target.place / "current").readlink())
    assert {
        f"{release}/fullchain.pem": new.fullchain_pem.encode(),
        f"{release}/privkey.pem": new.key_pem.encode(),
        f"{release}/previous": b"by-hand",
        f"{release}/activated": b"",
    } == {name: data for name, data in files_of(target.place).items() if name.startswith("releases")}


async def test_nobody_else_can_read_the_key(target: Deployer) -> None:
    """Directories are 0700 and files 0600, whatever the umask is."""
    await target.apply(AUTHORITY.server())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (target.place / "releases").rglob("*") if path.is_file()}
    directories = [target.place / "releases", *(target.place / "releases").iterdir()]
    assert {0o600} == modes
    assert {0o700} == {stat.S_IMODE(path.stat().st_mode) for path in directories}


async def test_what_is_in_place_is_neither_written_nor_reloaded(target: Deployer, nginx: Nginx) -> None:
    """The second push of the same certificate changes no byte, and works even while nginx is stopped."""
    new = AUTHORITY.server()
    await target.apply(new, fence=1)
    before = files_of(target.place)
    nginx.stop()
    applied = await target.apply(new, fence=2)
    assert (True, new.fingerprint) == (applied.already_in_place, applied.fingerprint)
    assert before == files_of(target.place)


async def test_another_chain_for_the_same_leaf_is_written(target: Deployer) -> None:
    """In place means the whole chain: a new intermediate is a reason to write."""
    new = AUTHORITY.server()
    await target.apply(replace(new, chain=()), fence=1)
    applied = await target.apply(new, fence=2)
    assert not applied.already_in_place
    assert new.fullchain_pem == (target.place / "current/fullchain.pem").read_text()


async def test_a_key_that_was_lost_on_the_target_is_written_again(target: Deployer) -> None:
    """In place means a pair: without its key, the certificate is pushed again."""
    new = AUTHORITY.server()
    await target.apply(new, fence=1)
    (target.place / "current/privkey.pem").unlink()
    applied = await target.apply(new, fence=1)
    assert not applied.already_in_place
    assert new.key_pem == (target.place / "current/privkey.pem").read_text()


async def test_a_profile_has_a_place_of_its_own(target: Deployer, nginx: Nginx, first: Issued) -> None:
    """A push to a profile goes below its name and leaves the default place alone."""
    new = AUTHORITY.server()
    await replace(target, profile="shop.example").apply(new)
    assert new.fullchain_pem == (target.place / "shop.example/current/fullchain.pem").read_text()
    assert first.fullchain_pem == (target.place / "current/fullchain.pem").read_text()


async def test_old_releases_go_and_the_one_before_stays(target: Deployer) -> None:
    """After five pushes with `keep_releases = 2`, the last two releases are left."""
    pushed = [AUTHORITY.server() for _ in range(5)]
    keeping = target.with_config(keep_releases=2)
    for fence, issued in enumerate(pushed, start=1):
        await keeping.apply(issued, fence)
    kept = {f"4-{pushed[3].fingerprint[:16]}", f"5-{pushed[4].fingerprint[:16]}"}
    assert kept == {path.name for path in (target.place / "releases").iterdir()}


async def test_discovery_finds_every_place_in_use(target: Deployer, first: Issued) -> None:
    """The default place and each profile are read back, with profile, fingerprint and leaf."""
    shop = AUTHORITY.server()
    await replace(target, profile="shop").apply(shop)
    found = (await target.discover()).found
    assert [(None, first.fingerprint, first.pem), ("shop", shop.fingerprint, shop.pem)] == [
        (each.profile, each.fingerprint_sha256, each.certificate_pem) for each in found
    ]
    assert [f"{target.place}/current/fullchain.pem", f"{target.place}/shop/current/fullchain.pem"] == [
        each.place for each in found
    ]


async def test_a_link_out_of_the_place_is_not_followed(target: Deployer, tmp_path: Path) -> None:
    """Whoever points `current` elsewhere gets no other file read or reported."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "fullchain.pem").write_text(AUTHORITY.server().pem)
    (target.place / "current").unlink()
    (target.place / "current").symlink_to(elsewhere)
    assert () == (await target.discover()).found


async def test_the_dry_run_changes_nothing(target: Deployer) -> None:
    """`test` looks, tries to write, asks nginx and reads back, and the target is as before."""
    before = files_of(target.place)
    _, steps = await target.test()
    assert ("connect", "look", "write", "test", "read_back") == steps
    assert before == files_of(target.place)


async def test_a_directory_named_current_is_left_alone(target: Deployer) -> None:
    """What certferry did not make it does not replace: the message says what to do."""
    (target.place / "current").unlink()
    (target.place / "current").mkdir()
    failure = await target.fail(AUTHORITY.server())
    assert (FailureCause.UNKNOWN, False) == (failure.cause, failure.written)
    assert "Move it away first" in failure.message


async def test_any_service_that_reads_files(target: Deployer) -> None:
    """The kind `files` is the same without nginx: here the profile only copies, and `{place}` is one argument."""
    new = AUTHORITY.server()
    marker = target.place / "seen.pem"
    reload = ("cp", "{place}/current/fullchain.pem", str(marker))
    profiles = {"web": type(target.config.profiles["web"])(reload=reload)}
    await replace(target.with_config(profiles=profiles), kind="files").apply(new)
    assert new.fullchain_pem == marker.read_text()
