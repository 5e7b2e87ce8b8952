"""Installing files that a service reads: the one driver of all kinds that do, which differ in their `Service`."""

import posixpath
import secrets

import msgspec

from bridge.config import Config
from bridge.drivers import contents, keys, releases
from bridge.drivers.activation import activate, finish
from bridge.drivers.connecting import OpenHost
from bridge.drivers.discovery import read_places
from bridge.drivers.driver import Applied, Discovered, Job, Requested
from bridge.drivers.failure import DriverFailure, LinkRefused
from bridge.drivers.host import FileKind, Host
from bridge.drivers.pair import Pair, check_certificate, check_pair
from bridge.drivers.place import Place, place_of
from bridge.drivers.retrying import with_host
from bridge.drivers.served import served
from bridge.drivers.service import Service, check_reach, run_command
from bridge.drivers.turns import Turns
from bridge.protocol import CertificateToInstall, FailureCause


class FilesDriver(msgspec.Struct, frozen=True):
    """Implements `Driver` over a `Host`, wherever that is."""

    open_host: OpenHost
    config: Config
    service: Service
    turns: Turns

    async def test(self, job: Job) -> str:
        place = self._place(job)

        async def tested(host: Host) -> str:
            with job.steps.step("look"):
                await _check_root(host, place)
            with job.steps.step("write"):
                await _try_to_write(host, place)
            with job.steps.step("test") as note:
                note.message = await run_command(host, place, self.service, place.reload.test)
            await self._try_to_reach(host, place, job)
            with job.steps.step("read_back") as note:
                found = await releases.read_back(host, place.directory)
                note.message = f"Installed now: {found[0]}." if found else "No certificate is there yet."
            return f"An installation in {place.directory} can work. {note.message}"

        return await with_host(self.open_host, place, job, self.config, tested)

    async def apply(self, job: Job) -> Applied:
        place = self._place(job)
        with job.steps.step("check"):
            certificate, key = check_certificate(job.assignment.certificate), job.content.private_key_pem
            given = None if key is None else check_pair(certificate, key)

        async def applied(host: Host) -> Applied:
            pair = given or await self._with_key_there(host, place, certificate, job)
            async with self.turns.at(place.settings, place.directory):
                return await self._apply(host, place, pair, job)

        return await with_host(self.open_host, place, job, self.config, applied)

    async def _apply(self, host: Host, place: Place, pair: Pair, job: Job) -> Applied:
        with job.steps.step("look"):
            current = await host.together(lambda files: _look(files, place))
            in_place = await self._is_in_place(host, place, current, pair)
        if in_place and current.activated:
            return Applied(message="Already in place.", fingerprint=pair.fingerprint, already_in_place=True)
        use = finish if in_place else activate
        await use(host, place, pair, job, self.service, current, self.turns.on(place.settings))
        await self._tidy(host, place, job)
        return Applied(message=f"Installed in {place.directory}.", fingerprint=pair.fingerprint)

    async def _with_key_there(self, host: Host, place: Place, certificate: CertificateToInstall, job: Job) -> Pair:
        with job.steps.step("find_key"):
            await _check_root(host, place)
            return await keys.pair(host, place.root, certificate)

    async def request(self, job: Job) -> Requested:
        place, wanted = self._place(job), keys.check_request(job.assignment.request)

        async def requested(host: Host) -> Requested:
            with job.steps.step("look"):
                await _check_root(host, place)
            await job.guard()
            with job.steps.step("make_key") as note:
                key, note.message = await keys.make(host, place.root, job.assignment.assignment_id, wanted)
            with job.steps.step("request"):
                return Requested(note.message, await keys.sign_request(key, wanted))

        return await with_host(self.open_host, place, job, self.config, requested)

    async def discover(self, job: Job) -> Discovered:
        place = self._place(job)

        async def discovered(host: Host) -> Discovered:
            with job.steps.step("read_back"):
                return await read_places(host, place.root)

        return await with_host(self.open_host, place, job, self.config, discovered)

    def _place(self, job: Job) -> Place:
        return place_of(job.assignment, job.content, self.config)

    async def _is_in_place(self, host: Host, place: Place, current: releases.Current, pair: Pair) -> bool:
        if current.fence is None or current.directory is None:
            return False
        return await contents.holds(host, current.directory, pair, place, self.service)

    async def _try_to_reach(self, host: Host, place: Place, job: Job) -> None:
        """What a reload needs beside its command, and the place to look at: only where the profile has them."""
        if place.reload.group is not None:
            with job.steps.step("group"):
                await contents.group_of(host, place)
        if place.reload.signal is not None or place.reload.api is not None:
            with job.steps.step("reach") as note:
                note.message = await check_reach(host, place, self.service)
        if place.reload.serves is not None:
            with job.steps.step("serves") as note:
                note.message = await served(host, place)

    async def _tidy(self, host: Host, place: Place, job: Job) -> None:
        try:
            with job.steps.step("tidy") as note:
                keep = self.config.keep_releases
                removed = await host.together(lambda files: releases.tidy(files, place.directory, keep))
                note.message = f"{removed} old releases removed."
        except DriverFailure:
            return  # the step tells; the certificate is in place and old directories harm nobody


async def _look(host: Host, place: Place) -> releases.Current:
    await _check_root(host, place)
    return await releases.look(host, place.directory)


async def _check_root(host: Host, place: Place) -> None:
    kind = await host.kind(place.root)
    if kind is FileKind.LINK:
        raise LinkRefused(place.root)
    if kind is not FileKind.DIRECTORY:
        message = f"{place.root} must be a directory on the target, and is {kind.value}."
        raise DriverFailure(FailureCause.UNKNOWN, message)


async def _try_to_write(host: Host, place: Place) -> None:
    probe = posixpath.join(place.root, f".certferry-{secrets.token_hex(8)}")
    await host.make_directory(probe)
    await host.remove_directory(probe)
