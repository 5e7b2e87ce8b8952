"""What the errors of SSH and SFTP mean. SFTP 3 says little: a full disk and a read-only one are both `Failure`."""

import asyncio
import posixpath

import asyncssh

from bridge.drivers.failure import ConnectionDropped, DriverFailure, Missing
from bridge.protocol import FailureCause

_READ_ONLY = 0x1
"""`SSH_FXE_STATVFS_ST_RDONLY`, OpenSSH's PROTOCOL file, section 4.4."""

_FEW_BYTES = 262_144
"""With less than this free, a failed write is taken for a full disk."""

_LOOK_SECONDS = 10.0

_GONE = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)
_DENIED = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)


async def failure_of_sftp(sftp: asyncssh.SFTPClient, error: Exception, path: str) -> DriverFailure:
    """The failure that an error of an operation on `path` means."""
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return Missing(path)
        case asyncssh.SFTPError() if isinstance(error, _DENIED):
            return DriverFailure(FailureCause.PERMISSION_DENIED, f"{path}: permission denied.")
        case asyncssh.SFTPError() if isinstance(error, _FULL):
            return DriverFailure(FailureCause.DISK_FULL, f"{path}: no space left.")
        case asyncssh.SFTPError() if not isinstance(error, _GONE):
            return await _from_file_system(sftp, error, path)
        case _:
            return ConnectionDropped(f"The connection was lost at {path}: {error}")


async def _from_file_system(sftp: asyncssh.SFTPClient, error: asyncssh.SFTPError, path: str) -> DriverFailure:
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            system = await sftp.statvfs(posixpath.dirname(path))
    except (asyncssh.Error, OSError):
        return DriverFailure(FailureCause.UNKNOWN, f"{path}: {error.reason}.")
    if system.flags & _READ_ONLY:
        return DriverFailure(FailureCause.PERMISSION_DENIED, f"{path}: the file system is read-only.")
    if system.bavail * system.frsize < _FEW_BYTES or (system.files and not system.ffree):
        return DriverFailure(FailureCause.DISK_FULL, f"{path}: no space left on the file system.")
    return DriverFailure(FailureCause.UNKNOWN, f"{path}: {error.reason}.")


def failure_of_connecting(error: Exception, host: str, port: int) -> DriverFailure:
    """The failure that an error on the way to a connection means."""
    where = f"{host}:{port}"
    match error:
        case asyncssh.HostKeyNotVerifiable():
            message = f"{where} shows another SSH host key than the target's settings name. Nothing was sent: {error}"
            return DriverFailure(FailureCause.TARGET_UNREACHABLE, message)
        case asyncssh.PermissionDenied():
            return DriverFailure(FailureCause.PERMISSION_DENIED, f"{where} refuses the SSH user or key: {error}")
        case asyncssh.KeyExchangeFailed():
            message = f"{where} and the bridge cannot agree, perhaps on the kind of host key: {error}"
            return DriverFailure(FailureCause.TARGET_UNREACHABLE, message)
        case TimeoutError():
            return ConnectionDropped(f"{where} did not answer in time.")
        case _:
            return ConnectionDropped(f"{where} cannot be reached: {error}")
