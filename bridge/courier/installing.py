"""Installing on this host, with the very code of the bridge's file driver: release directory, one swap, way back."""

import datetime as dt
import time
import uuid

from bridge.config import Config, ReloadProfile
from bridge.courier.config import CourierConfig, Wanted
from bridge.drivers import releases
from bridge.drivers.driver import Applied, Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import FileKind
from bridge.drivers.local import LocalHost
from bridge.drivers.pair import leaf_of
from bridge.drivers.registry import drivers
from bridge.drivers.steps import Steps
from bridge.protocol import (
    Assignment,
    AssignmentKind,
    CertificateToInstall,
    FailureCause,
    SealedContent,
    Target,
)

_PROFILE = "courier"
_HOUR = dt.timedelta(hours=1)


async def installed(wanted: Wanted) -> str | None:
    """The leaf (PEM) that is in use, finished business only: what a crash left in the middle is installed again.

    DriverFailure where nothing could be installed: better seen before a certificate is ordered.
    """
    host = LocalHost()
    if (kind := await host.kind(wanted.directory)) is not FileKind.DIRECTORY:
        sentence = f"{wanted.directory} must be a directory of this host, and is {kind.value}."
        raise DriverFailure(FailureCause.UNKNOWN, sentence)
    current = await releases.look(host, wanted.directory)
    found = await releases.read_back(host, wanted.directory) if current.activated else None
    return found[1] if found is not None else None


async def install(config: CourierConfig, wanted: Wanted, fullchain_pem: str, private_key_pem: str) -> Applied:
    """Write, swap, test, reload, read back. DriverFailure: nothing has changed, or it says what has."""
    leaf = leaf_of(fullchain_pem.encode())
    fingerprint = leaf[0] if leaf is not None else "0" * 64  # the driver says what is wrong with it
    profile = ReloadProfile(test=wanted.test, reload=wanted.reload, timeout_seconds=wanted.timeout_seconds)
    allowed = Config(roots=(wanted.directory,), profiles={_PROFILE: profile}, keep_releases=config.keep_releases)
    settings = {"transport": "local", "root": wanted.directory, "reload_profile": _PROFILE}
    assignment = Assignment(
        assignment_id=uuid.uuid4(),
        kind=AssignmentKind.DEPLOYMENT,
        fence=int(time.time()),
        lease_seconds=3600,
        deadline=dt.datetime.now(dt.UTC) + _HOUR,
        target=Target(id=uuid.uuid4(), kind="files", name="courier", settings=settings),
        certificate=CertificateToInstall(fingerprint_sha256=fingerprint, fullchain_pem=fullchain_pem),
    )
    content = SealedContent(private_key_pem=private_key_pem)
    return await drivers(allowed)["files"].apply(Job(assignment, content, Steps(), _always))


async def _always() -> None:
    """Nobody else decides about this host's own directories."""
