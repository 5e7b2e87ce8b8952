"""The service that uses the files: what the bridge's configuration says of it, and what its kind adds to that."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from bridge.config import Argv
from bridge.drivers.failure import DriverFailure, Missing
from bridge.drivers.host import Host, Ran
from bridge.drivers.judging import Judge, judge_any
from bridge.drivers.pair import Pair
from bridge.drivers.place import Place
from bridge.protocol import FailureCause

Call = Callable[[Host, Place], Awaitable[str]]
"""Tell the service through its own interface (`api` of the profile) to take what `current` leads to.

Returns its words. DriverFailure, OSError and asyncssh.Error; it ends within the profile's timeout, or is ended.
"""


class Derived(msgspec.Struct, frozen=True):
    """One more file in every release, made from the pair: for services that want it in another shape.

    `make`: its bytes. `holds`: whether bytes that lie there are still that file, for shapes that differ every time.
    """

    name: str
    make: Callable[[Pair, Place], bytes]
    holds: Callable[[bytes, Pair, Place], bool]


class Service(msgspec.Struct, frozen=True):
    """What one kind of service has of its own. Most kinds are this and nothing else."""

    judge: Judge = judge_any
    derived: tuple[Derived, ...] = ()
    call: Call | None = None


async def run_command(host: Host, place: Place, service: Service, command: Argv | None) -> str:
    """Run one command of the reload profile; returns what it wrote. DriverFailure with the service's own words."""
    if command is None:
        return ""
    argv = tuple(element.replace("{place}", place.directory) for element in command)
    ran = await host.run(argv, place.reload.timeout_seconds)
    if ran.exit_status != 0:
        raise DriverFailure(service.judge(ran.output, place.directory), _words(argv[0], ran))
    return ran.output


async def reload(host: Host, place: Place, service: Service) -> str:
    """Make the service take what `current` leads to: by command, signal and call, whichever the profile has."""
    said = [await run_command(host, place, service, place.reload.reload)]
    if place.reload.signal is not None:
        said.append(await _signal(host, place, place.reload.signal))
    if place.reload.api is not None:
        said.append(await _called(host, place, service, place.reload.api))
    return " ".join(filter(None, said))


async def check_reach(host: Host, place: Place, service: Service) -> str:
    """For a dry run: whether the process and the interface that a reload needs are there."""
    said = []
    if place.reload.signal is not None:
        said.append(await _signal(host, place, "0"))
    if (api := place.reload.api) is not None:
        _call_of(service)
        async with host.stream(api):
            said.append(f"{api} answers.")
    return " ".join(said)


async def _signal(host: Host, place: Place, name: str) -> str:
    path = place.reload.pid_file
    assert path is not None
    try:
        first = (await host.read(path)).split(b"\n", 1)[0].strip()
    except Missing as failure:
        message = f"There is no {path}: the service does not seem to run."
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, message) from failure
    if not first.isdigit() or int(first) < 2:
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"{path} holds no process number.")
    process = first.decode("ascii")
    ran = await host.run(("kill", "-s", name, process), place.reload.timeout_seconds)
    if ran.exit_status != 0:
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, _words("kill", ran))
    return f"Process {process} is there." if name == "0" else f"Process {process} was sent {name}."


async def _called(host: Host, place: Place, service: Service, api: str) -> str:
    call, seconds = _call_of(service), place.reload.timeout_seconds
    try:
        async with asyncio.timeout(seconds):
            return await call(host, place)
    except TimeoutError:
        message = f"{api} did not answer within {seconds:g} s."
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, message) from None


def _call_of(service: Service) -> Call:
    if service.call is None:
        message = "The reload profile has an `api`, and for this kind of target there is none."
        raise DriverFailure(FailureCause.UNKNOWN, message)
    return service.call


def _words(program: str, ran: Ran) -> str:
    ended = "was ended" if ran.exit_status is None else f"ended with status {ran.exit_status}"
    return f"{program} {ended}: {ran.output}" if ran.output else f"{program} {ended} without a word."
