"""What lies in a release: chain and key, what a kind derives from them, and the group that may read it."""

import asyncio
import posixpath

from bridge.drivers import releases
from bridge.drivers.failure import DriverFailure, Missing, NotAFile
from bridge.drivers.host import Host
from bridge.drivers.pair import Pair
from bridge.drivers.place import Place
from bridge.drivers.service import Service
from bridge.protocol import FailureCause


async def files_for(pair: Pair, place: Place, service: Service) -> dict[str, bytes]:
    """Contents by file name."""
    files = {releases.FULLCHAIN: pair.fullchain, releases.PRIVATE_KEY: pair.private_key}
    for derived in service.derived:
        files[derived.name] = await asyncio.to_thread(derived.make, pair, place)
    return files


async def holds(host: Host, directory: str, pair: Pair, place: Place, service: Service) -> bool:
    """Whether a directory holds exactly this chain, a key that belongs to it, and what is derived from them."""
    if not await host.together(lambda files: releases.holds(files, directory, pair)):
        return False
    for derived in service.derived:
        try:
            content = await host.read(posixpath.join(directory, derived.name))
        except (Missing, NotAFile):
            return False
        if not await asyncio.to_thread(derived.holds, content, pair, place):
            return False
    return True


async def group_of(host: Host, place: Place) -> int | None:
    """The number of the group that may read, as the target knows it. DriverFailure where it does not."""
    name = place.reload.group
    if name is None:
        return None
    ran = await host.run(("getent", "group", name), place.reload.timeout_seconds)
    parts = ran.output.split(":")
    if ran.exit_status != 0 or len(parts) < 3 or not parts[2].isdigit():
        raise DriverFailure(FailureCause.UNKNOWN, f"The target has no group {name!r}, which the reload profile names.")
    return int(parts[2])
