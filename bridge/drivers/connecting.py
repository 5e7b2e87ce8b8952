"""From a target's settings to an open `Host`: this machine, or another one whose SSH host key is checked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

import asyncssh

from bridge.config import Config
from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host
from bridge.drivers.local import LocalHost
from bridge.drivers.ssh import SshHost
from bridge.drivers.ssh_failure import failure_of_connecting
from bridge.kinds import FilesSecrets, FilesSettings, LocalSettings, SshSettings
from bridge.protocol import FailureCause


class OpenHost(Protocol):
    """How drivers get at a target. DriverFailure when they cannot."""

    def __call__(self, settings: FilesSettings, secrets: FilesSecrets) -> contextlib.AbstractAsyncContextManager[Host]:
        """A connection for one piece of work."""
        ...


class Hosts:
    """Opens hosts; over SSH only so many at a time to one address, because sshd drops what is above MaxStartups."""

    def __init__(self, config: Config) -> None:
        self._ssh = config.ssh
        self._places: dict[tuple[str, int], asyncio.Semaphore] = {}

    @contextlib.asynccontextmanager
    async def __call__(self, settings: FilesSettings, secrets: FilesSecrets) -> AsyncIterator[Host]:
        """A connection for one piece of work. DriverFailure."""
        if isinstance(settings, LocalSettings):
            yield LocalHost()
            return
        key = settings.host, settings.port
        async with self._places.setdefault(key, asyncio.Semaphore(self._ssh.connections_per_host)):
            connection = await self._connect(settings, secrets)
            try:
                yield SshHost(connection, await _sftp(connection, settings), self._ssh.operation_timeout_seconds)
            finally:
                connection.abort()

    async def _connect(self, settings: SshSettings, secrets: FilesSecrets) -> asyncssh.SSHClientConnection:
        host_key, user_key = _host_key(settings), _user_key(secrets)
        seconds = self._ssh.connect_timeout_seconds
        try:
            return await asyncssh.connect(
                settings.host,
                settings.port,
                username=settings.username,
                client_keys=[user_key],
                known_hosts=([host_key], [], []),
                config=None,  # never what lies in the home directory of the user who runs the bridge
                agent_path=None,
                preferred_auth="publickey",
                connect_timeout=seconds,
                login_timeout=seconds,
                keepalive_interval=max(seconds / 2, 1),
            )
        except (asyncssh.Error, OSError) as error:
            raise failure_of_connecting(error, settings.host, settings.port) from error


async def _sftp(connection: asyncssh.SSHClientConnection, settings: SshSettings) -> asyncssh.SFTPClient:
    try:
        return await connection.start_sftp_client()
    except (asyncssh.Error, OSError) as error:
        raise failure_of_connecting(error, settings.host, settings.port) from error


def _host_key(settings: SshSettings) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(settings.host_key)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"The setting host_key is no SSH public key: {error}") from error


def _user_key(secrets: FilesSecrets) -> asyncssh.SSHKey:
    if secrets.ssh_private_key is None:
        raise DriverFailure(FailureCause.PERMISSION_DENIED, "The target has no secret ssh_private_key to log in with.")
    try:
        return asyncssh.import_private_key(secrets.ssh_private_key)
    except (asyncssh.Error, ValueError):
        # `from None`, and no word of the error: it could quote the key.
        message = "The secret ssh_private_key is no private key that can be read without a passphrase."
        raise DriverFailure(FailureCause.PERMISSION_DENIED, message) from None
