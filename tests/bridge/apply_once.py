"""One deployment on files of this host, as a program: python -m tests.bridge.apply_once JOB (a file that says what)."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from bridge.config import Config, ReloadProfile
from bridge.drivers.driver import Job
from bridge.drivers.registry import drivers
from bridge.drivers.steps import Steps
from bridge.protocol import Assignment, SealedContent
from tests.bridge.deploying import held


class Work(msgspec.Struct, frozen=True):
    """What to install."""

    assignment: Assignment
    content: SealedContent


def main() -> None:
    work = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Work)
    root = str(work.assignment.target.settings["root"])
    config = Config(roots=(root,), profiles={"web": ReloadProfile()})
    job = Job(work.assignment, work.content, Steps(), held)
    asyncio.run(_apply(config, job))


async def _apply(config: Config, job: Job) -> None:
    # One thread for all file operations: strace counts system calls per thread.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    await drivers(config)["files"].apply(job)


if __name__ == "__main__":
    main()
