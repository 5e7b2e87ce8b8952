"""The service that uses the files: its test and its reload, as the bridge's configuration has them."""

import re
from collections.abc import Callable

from bridge.config import Argv
from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host, Ran
from bridge.drivers.place import Place
from bridge.protocol import FailureCause

Judge = Callable[[str, str], FailureCause]
"""From (what the service wrote, the place's directory) to the cause of its refusal."""

_NGINX_PAIR = re.compile(
    r"key values mismatch|no start line|bad end line|ee key too small|ca md too weak"
    r"|SSL_CTX_use_(?:certificate|PrivateKey)"
)


def judge_any(_output: str, _directory: str) -> FailureCause:
    """Of a service whose words we do not know: it refused."""
    return FailureCause.SERVICE_RELOAD_FAILED


def judge_nginx(output: str, directory: str) -> FailureCause:
    """Nginx names the file that it cannot use: whether it is the pair we wrote decides about the cause."""
    ours = (line for line in output.splitlines() if directory + "/" in line)
    if any(_NGINX_PAIR.search(line) for line in ours):
        return FailureCause.INVALID_CERTIFICATE_OR_KEY
    return FailureCause.SERVICE_RELOAD_FAILED


async def run_profile(host: Host, place: Place, command: Argv | None, judge: Judge) -> str:
    """Run one command of the reload profile; returns what it wrote. DriverFailure with the service's own words."""
    if command is None:
        return ""
    argv = tuple(element.replace("{place}", place.directory) for element in command)
    ran = await host.run(argv, place.reload.timeout_seconds)
    if ran.exit_status != 0:
        raise DriverFailure(judge(ran.output, place.directory), _words(argv[0], ran))
    return ran.output


def _words(program: str, ran: Ran) -> str:
    ended = "was ended" if ran.exit_status is None else f"ended with status {ran.exit_status}"
    return f"{program} {ended}: {ran.output}" if ran.output else f"{program} {ended} without a word."
