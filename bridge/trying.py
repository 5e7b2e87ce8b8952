"""A dry run of one target of the bridge's own configuration, without a control plane."""

import datetime as dt
import uuid
from pathlib import Path

from bridge.config import Config, DryRunTarget
from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.registry import drivers
from bridge.drivers.steps import Steps
from bridge.execution import failed
from bridge.protocol import (
    Assignment,
    AssignmentKind,
    FailureCause,
    Outcome,
    ResultRequest,
    SealedContent,
    Target,
)

_HOUR = dt.timedelta(hours=1)


async def try_target(target: DryRunTarget, config: Config) -> ResultRequest:
    """What the bridge would report to a test assignment for this target."""
    assignment = Assignment(
        assignment_id=uuid.uuid4(),
        kind=AssignmentKind.TEST,
        fence=1,
        lease_seconds=3600,
        deadline=dt.datetime.now(dt.UTC) + _HOUR,
        target=Target(id=uuid.uuid4(), kind=target.kind, name=target.kind, settings=target.settings),
        profile=target.profile,
    )
    steps = Steps()
    try:
        driver = drivers(config).get(target.kind)
        if driver is None:
            raise DriverFailure(FailureCause.UNKNOWN, f"There is no driver for targets of kind {target.kind!r}.")
        message = await driver.test(Job(assignment, _content(target), steps, _always))
    except DriverFailure as failure:
        report = failed(assignment, failure, steps)
        assert isinstance(report, ResultRequest)
        return report
    return ResultRequest(
        assignment_id=assignment.assignment_id,
        fence=assignment.fence,
        outcome=Outcome.SUCCESS,
        message=message,
        steps=steps.reports,
    )


def _content(target: DryRunTarget) -> SealedContent:
    files = dict(target.secret_files)
    if target.ssh_private_key_file is not None:
        files["ssh_private_key"] = target.ssh_private_key_file
    return SealedContent(secrets={name: _read(name, path) for name, path in files.items()})


def _read(name: str, path: str) -> str:
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"{path} cannot be read.") from error
    return text if name == "ssh_private_key" else text.rstrip("\n")


async def _always() -> None:
    """A dry run holds no lease."""
