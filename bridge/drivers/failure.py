"""The ways an assignment can fail on a target, each with its cause and a sentence for people."""

import errno
import os

from bridge.protocol import FailureCause
from bridge.text import clean


class DriverFailure(Exception):
    """The assignment cannot be done. `written`: whether the target's files hold the new certificate (None: unknown)."""

    def __init__(self, cause: FailureCause, message: str, *, written: bool | None = False) -> None:
        super().__init__(clean(message))
        self.cause = cause
        self.message = clean(message)
        self.written = written


class Missing(DriverFailure):
    """There is nothing at the path."""

    def __init__(self, path: str) -> None:
        super().__init__(FailureCause.UNKNOWN, f"{path}: no such file or directory.")


class NotAFile(DriverFailure):
    """What should be a small regular file is something else."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(FailureCause.UNKNOWN, f"{path} {why}.")


class LinkRefused(DriverFailure):
    """A directory on the way to a file is a symbolic link, which could lead anywhere."""

    def __init__(self, path: str) -> None:
        super().__init__(FailureCause.PERMISSION_DENIED, f"{path} is a symbolic link; certferry follows none.")


class ConnectionDropped(DriverFailure):
    """The connection to the target was lost. The same work can be tried again over a new one."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureCause.TARGET_UNREACHABLE, message)


class LeaseLost(DriverFailure):
    """Someone else decides about this target now, or the deadline has passed: change nothing more."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureCause.BRIDGE_DISCONNECTED, message)


_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}


def failure_of(error: OSError, path: str) -> DriverFailure:
    """The failure that an error of the operating system means."""
    if error.errno == errno.ENOENT:
        return Missing(path)
    if error.errno == errno.ELOOP:
        return LinkRefused(path)
    message = f"{path}: {os.strerror(error.errno) if error.errno else error}."
    if error.errno in _DENIED:
        return DriverFailure(FailureCause.PERMISSION_DENIED, message)
    if error.errno in _FULL:
        return DriverFailure(FailureCause.DISK_FULL, message)
    return DriverFailure(FailureCause.UNKNOWN, message)
