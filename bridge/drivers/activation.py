"""From a look at a place to an activated release: write, swap, test, reload, look, read back; or the way back."""

import posixpath
from asyncio import Lock

from bridge.drivers import contents, releases
from bridge.drivers.driver import Job
from bridge.drivers.failure import ConnectionDropped, DriverFailure, LeaseLost
from bridge.drivers.host import Host
from bridge.drivers.pair import Pair
from bridge.drivers.place import Place
from bridge.drivers.releases import Current
from bridge.drivers.served import wait_until_served
from bridge.drivers.service import Service, reload, run_command
from bridge.protocol import FailureCause


async def activate(
    host: Host, place: Place, pair: Pair, job: Job, service: Service, current: Current, turn: Lock
) -> None:
    """Bring a new release into use; `turn`: of the host, once it is written. DriverFailure: `written` says which
    certificate the files hold then.
    """
    await job.guard()
    name = _free_name(job, pair, current)
    with job.steps.step("write"):
        files, group = await contents.files_for(pair, place, service), await contents.group_of(host, place)
        link = await host.together(
            lambda here: releases.write(here, place.directory, name, files, current.fallback, group)
        )
    new = Current(link, posixpath.join(place.directory, link), 0, False, current.fallback)
    async with turn:
        try:
            await job.guard()
        except LeaseLost:
            await releases.try_to_remove(host, posixpath.join(place.directory, link))
            raise
        try:
            with job.steps.step("swap"):
                await host.swap_link(_current_path(place), link)
        except ConnectionDropped as failure:
            failure.written = None
            raise
        await _use(host, place, pair, job, service, new)


async def finish(
    host: Host, place: Place, pair: Pair, job: Job, service: Service, current: Current, turn: Lock
) -> None:
    """Bring into use what an earlier attempt swapped in and could not finish, perhaps of this very assignment."""
    async with turn:
        try:
            await job.guard()
        except LeaseLost as lost:
            if current.fence == job.assignment.fence:
                raise await _rolled_back(host, place, job, service, current, lost) from lost
            raise
        await _share_again(host, place, pair, service, current)
        await _use(host, place, pair, job, service, current)


async def _share_again(host: Host, place: Place, pair: Pair, service: Service, current: Current) -> None:
    """Perhaps it could not be activated because the service could not read it, and the profile names a group by now."""
    if current.directory is not None:
        names = await contents.files_for(pair, place, service)
        await releases.share(host, current.directory, names, await contents.group_of(host, place))


async def _use(host: Host, place: Place, pair: Pair, job: Job, service: Service, new: Current) -> None:
    """Past the swap: everything ends in an activated release or in the way back, whoever holds the lease by now."""
    directory = new.directory
    assert directory is not None
    try:
        with job.steps.step("test") as note:
            note.message = await run_command(host, place, service, place.reload.test)
        with job.steps.step("reload") as note:
            note.message = await reload(host, place, service)
        with job.steps.step("read_back") as note:
            await _read_back(host, place, pair)
            note.message = await wait_until_served(host, place, pair.fingerprint)
            await host.together(lambda files: releases.mark_activated(files, directory))
    except ConnectionDropped as failure:
        failure.written = None
        raise
    except DriverFailure as failure:
        raise await _rolled_back(host, place, job, service, new, failure) from failure


async def _read_back(host: Host, place: Place, pair: Pair) -> None:
    found = await host.together(lambda files: releases.read_back(files, place.directory))
    if found is None or found[0] != pair.fingerprint:
        message = f"Read back {found[0] if found else 'nothing'} instead of {pair.fingerprint}."
        raise DriverFailure(FailureCause.ROLLED_BACK, message)


async def _rolled_back(
    host: Host, place: Place, job: Job, service: Service, new: Current, failure: DriverFailure
) -> DriverFailure:
    """The failure to report, once the way back was tried: its cause is the first one, its message tells both."""
    try:
        with job.steps.step("roll_back") as note:
            written, note.message = await _go_back(host, place, service, new)
    except DriverFailure as second:
        message = f"{_ended(failure.message)} The way back failed too: {second.message}"
        return DriverFailure(failure.cause, message, written=None if second.written is None else True)
    cause = FailureCause.ROLLED_BACK if isinstance(failure, LeaseLost) and not written else failure.cause
    return DriverFailure(cause, f"{_ended(failure.message)} {note.message}", written=written)


def _ended(said: str) -> str:
    """What a service said, so that another sentence can follow."""
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


async def _go_back(host: Host, place: Place, service: Service, new: Current) -> tuple[bool, str]:
    """(whether the new files stay, what happened)."""
    if new.fallback is None:
        return True, "There was no certificate before it: the new files stay."
    await host.swap_link(_current_path(place), new.fallback)
    message = f"Rolled back to {new.fallback}."
    try:
        await reload(host, place, service)
    except DriverFailure as failure:
        message = f"{message} The service does not reload that either: {failure.message}"
    if new.directory is not None:
        await releases.try_to_remove(host, new.directory)
    return False, message


def _current_path(place: Place) -> str:
    return posixpath.join(place.directory, "current")


def _free_name(job: Job, pair: Pair, current: Current) -> str:
    """The release's name; another one if what is in use has it (files that were tampered with), since that stays."""
    name = releases.release_name(job.assignment.fence, pair)
    return f"{name}-2" if current.link == f"releases/{name}" else name
