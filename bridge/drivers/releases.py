"""Where certificates lie on a target, and how a place changes hands: release directories and one symbolic link.

    <place>/releases/<fence>-<first 16 of the fingerprint>/fullchain.pem, privkey.pem, ..., previous, activated
    <place>/current -> releases/...

`<place>` is the target's root, or `<root>/<profile>`. Chain and key change together by one rename of `current`, so that
a crash at any point leaves a matching pair. Some kinds of service have a further file in each release, which holds the
pair in another shape. `previous` tells, before the swap, what `current` said until then;
`activated` exists once the service has loaded the release and it was read back. A `current` without it is unfinished
business, which whoever comes next ends: by activating it, or by going back to `previous`.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping

import msgspec

from bridge.drivers.failure import DriverFailure, Missing, NotAFile
from bridge.drivers.host import FileKind, Host
from bridge.drivers.pair import Pair, is_same_pair, leaf_of
from bridge.paths import check_path, is_below
from bridge.protocol import FailureCause

FULLCHAIN, PRIVATE_KEY, PREVIOUS, ACTIVATED = "fullchain.pem", "privkey.pem", "previous", "activated"
_RELEASE = re.compile(r"releases/(\d{1,19})-[0-9a-f]{16}(?:-2)?")


class Occupied(DriverFailure):
    """Something else than a symbolic link has the name `current`: this place is not certferry's."""

    def __init__(self, path: str, kind: FileKind) -> None:
        message = f"{path} is a {kind.value}, not the symbolic link that certferry swaps. Move it away first."
        super().__init__(FailureCause.UNKNOWN, message)


class Current(msgspec.Struct, frozen=True):
    """What `current` says now. `link` None: there is no such link yet.

    `directory` is where it leads (None when it leads out of the place or nowhere). `activated` and `fence` are those
    of a release of ours. `fallback` is what the link must say again if that release cannot be activated.
    """

    link: str | None = None
    directory: str | None = None
    fence: int | None = None
    activated: bool = False
    fallback: str | None = None


def release_name(fence: int, pair: Pair) -> str:
    """The directory name of a release."""
    return f"{fence}-{pair.fingerprint[:16]}"


async def look(host: Host, place: str) -> Current:
    """What `current` says. Occupied when it is no symbolic link."""
    path = posixpath.join(place, "current")
    kind = await host.kind(path)
    if kind is FileKind.MISSING:
        return Current()
    if kind is not FileKind.LINK:
        raise Occupied(path, kind)
    link = await host.link_target(path)
    directory = await _directory(host, place, link)
    own = _RELEASE.fullmatch(link)
    if own is None or directory is None:
        return Current(link=link, directory=directory, activated=True, fallback=link)
    activated = await host.kind(posixpath.join(directory, ACTIVATED)) is FileKind.FILE
    fallback = link if activated else await _previous(host, directory)
    return Current(link, directory, int(own[1]), activated, fallback)


async def directory_in_use(host: Host, place: str) -> str:
    """Where `current` leads. DriverFailure where that is nowhere in the place."""
    current = await look(host, place)
    if current.directory is None:
        raise DriverFailure(FailureCause.UNKNOWN, f"{posixpath.join(place, 'current')} leads to no directory there.")
    return current.directory


async def _directory(host: Host, place: str, link: str) -> str | None:
    directory = posixpath.normpath(posixpath.join(place, link))
    if not is_below(directory, place):
        return None
    try:
        return directory if await host.kind(directory) is FileKind.DIRECTORY else None
    except DriverFailure:
        return None


async def _previous(host: Host, directory: str) -> str | None:
    try:
        return (await host.read(posixpath.join(directory, PREVIOUS))).decode() or None
    except (Missing, NotAFile, UnicodeDecodeError):
        return None


async def holds(host: Host, directory: str, pair: Pair) -> bool:
    """Whether a directory holds exactly this chain and a key that belongs to it."""
    try:
        fullchain = await host.read(posixpath.join(directory, FULLCHAIN))
        private_key = await host.read(posixpath.join(directory, PRIVATE_KEY))
    except (Missing, NotAFile):
        return False
    return is_same_pair(pair, fullchain, private_key)


async def read_back(host: Host, place: str) -> tuple[str, str] | None:
    """(SHA-256 in hex, PEM) of the leaf that `current` leads to; None when it leads to none."""
    try:
        current = await look(host, place)
        if current.directory is None:
            return None
        return leaf_of(await host.read(posixpath.join(current.directory, FULLCHAIN)))
    except (Missing, NotAFile, Occupied):
        return None


async def write(
    host: Host, place: str, name: str, files: Mapping[str, bytes], fallback: str | None, group: int | None = None
) -> str:
    """Write a release, everything durable, nothing in use yet; returns what `current` has to say for it.

    An unfinished release of the same name is removed first; on a failure what was written is removed again.
    `group` (its number) may read the files.
    """
    releases = posixpath.join(place, "releases")
    await _make_missing(host, place, group)
    await _make_missing(host, releases, group)
    directory = posixpath.join(releases, name)
    await remove(host, directory)
    try:
        await host.make_directory(directory)
        await host.create_file(posixpath.join(directory, PREVIOUS), (fallback or "").encode())
        for name_of_file, content in files.items():
            await host.create_file(posixpath.join(directory, name_of_file), content)
        await share(host, directory, files, group)
        await host.sync_directory(directory)
    except DriverFailure:
        await try_to_remove(host, directory)
        raise
    return f"releases/{name}"


async def share(host: Host, directory: str, names: Iterable[str], group: int | None) -> None:
    """Let a group read the files of a release."""
    if group is not None:
        for path in (*(posixpath.join(directory, name) for name in names), directory):
            await host.share(path, group)


async def _make_missing(host: Host, directory: str, group: int | None) -> None:
    if await host.kind(check_path(directory)) is FileKind.MISSING:
        await host.make_directory(directory)
        await share(host, directory, (), group)


async def mark_activated(host: Host, directory: str) -> None:
    """From now on this release is finished business. Were the mark lost in a crash, it would be activated again."""
    path = posixpath.join(directory, ACTIVATED)
    if await host.kind(path) is FileKind.MISSING:
        await host.create_file(path, b"")


async def remove(host: Host, directory: str) -> None:
    """Remove a release directory, if it is there."""
    if await host.kind(directory) is FileKind.MISSING:
        return
    for entry in await host.entries(directory):
        await host.remove(posixpath.join(directory, entry.name))
    await host.remove_directory(directory)


async def try_to_remove(host: Host, directory: str) -> None:
    """Remove a release directory, or leave it to a later tidying."""
    try:
        await remove(host, directory)
    except DriverFailure:
        return


def _fence_of(name: str) -> int:
    """Of two releases of one second, which is all that SFTP tells of time, the later one has the higher fence."""
    return int(name.partition("-")[0])


async def tidy(host: Host, place: str, keep: int) -> int:
    """Remove all releases but the `keep` latest, the current one and the one before it; returns how many went."""
    current = await look(host, place)
    needed = {current.link, current.fallback}
    if current.directory is not None:
        needed.add(await _previous(host, current.directory))
    releases = posixpath.join(place, "releases")
    own = [entry for entry in await host.entries(releases) if _RELEASE.fullmatch(f"releases/{entry.name}")]
    own.sort(key=lambda entry: (entry.modified_at, _fence_of(entry.name)), reverse=True)
    old = [entry.name for entry in own[keep:] if f"releases/{entry.name}" not in needed]
    for name in old:
        await remove(host, posixpath.join(releases, name))
    return len(old)
