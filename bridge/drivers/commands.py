"""Running a command on the bridge's own host: an argument list, no shell, no terminal, a bounded time."""

import asyncio
import contextlib
import os
import signal
import tempfile
from typing import IO

from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import MAX_OUTPUT, Ran
from bridge.protocol import FailureCause

_SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where service programs are; an ordinary user's PATH often lacks them."""


def _environment() -> dict[str, str]:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_PATHS))
    return {"PATH": path, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C"}


async def run_local(argv: tuple[str, ...], timeout_seconds: float) -> Ran:
    """Run to the end or the timeout, when the command's whole process group is killed."""
    # A file, not a pipe: a daemon that the command leaves behind would hold a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        process = await _start(argv, output)
        try:
            async with asyncio.timeout(timeout_seconds):
                status: int | None = await process.wait()
        except TimeoutError:
            return Ran(None, f"{_written(output)} (did not end within {timeout_seconds:g} s)")
        finally:
            await _end(process)
        return Ran(status if status is not None and status >= 0 else None, _written(output))


async def _start(argv: tuple[str, ...], output: IO[bytes]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"{argv[0]}: {error}") from error


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _written(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read(MAX_OUTPUT).decode(errors="replace").strip()
