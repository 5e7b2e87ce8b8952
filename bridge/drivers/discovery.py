"""Reading back what a target really holds: the default place and every profile's place."""

import posixpath

from bridge.drivers import releases
from bridge.drivers.driver import Discovered
from bridge.drivers.host import FileKind, Host
from bridge.paths import is_profile_name
from bridge.protocol import FoundCertificate

_MOST = 1_000
"""Places of one target that are read."""


async def read_places(host: Host, root: str) -> Discovered:
    """Every certificate in use below the root. DriverFailure where a place cannot be read: that is no empty place."""
    if await host.kind(root) is not FileKind.DIRECTORY:
        return Discovered(f"{root} is no directory: the target holds nothing.", ())
    places: list[tuple[str | None, str]] = [(None, root)]
    names = [entry.name for entry in await host.entries(root) if is_profile_name(entry.name)]
    places.extend((name, posixpath.join(root, name)) for name in sorted(names))
    found: list[FoundCertificate] = []
    for profile, place in places[:_MOST]:
        found.extend(await _read_place(host, profile, place))
    return Discovered(f"{len(found)} certificates found in {len(places)} places.", tuple(found))


async def _read_place(host: Host, profile: str | None, place: str) -> list[FoundCertificate]:
    if await host.kind(place) is not FileKind.DIRECTORY:
        return []
    leaf = await releases.read_back(host, place)
    if leaf is None:
        return []
    path = posixpath.join(place, "current", releases.FULLCHAIN)
    return [FoundCertificate(place=path, fingerprint_sha256=leaf[0], certificate_pem=leaf[1], profile=profile)]
