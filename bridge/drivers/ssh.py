"""A target at the other end of SSH: files over SFTP, commands over exec, one connection for one piece of work."""

import asyncio
import contextlib
import posixpath
import shlex
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

import asyncssh

from bridge.drivers.failure import ConnectionDropped, DriverFailure, LinkRefused, Missing, NotAFile
from bridge.drivers.host import MAX_FILE, MAX_OUTPUT, Entry, FileKind, Host, Ran, Stream
from bridge.drivers.ssh_failure import failure_of_sftp
from bridge.drivers.streams import ReadWrite, host_and_port, no_answer
from bridge.protocol import FailureCause

T = TypeVar("T")

_KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.LINK}
_SYNC_SECONDS = 10.0


class SshHost:
    """Implements `Host` over an open connection. Ancestors of a path must be plain directories: that is looked at once
    for reading, again for every change, and once more of a new file before anything is written into it.

    The protocol (SFTP 3) has no call relative to an opened directory, so that whoever swaps one for a link between the
    look and the change gets an empty file or directory where the link leads, and no content.
    """

    def __init__(self, connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient, seconds: float) -> None:
        self._connection = connection
        self._sftp = sftp
        self._seconds = seconds
        self._plain = {"/"}
        self._unsynced: set[str] = set()

    async def kind(self, path: str) -> FileKind:
        try:
            return await self._call(path, self._kind(path))
        except Missing:
            return FileKind.MISSING

    async def entries(self, path: str) -> list[Entry]:
        names = await self._call(posixpath.join(path, "."), self._sftp.readdir(path))
        found = (Entry(str(each.filename), float(each.attrs.mtime or 0)) for each in names)
        return [entry for entry in found if entry.name not in {".", ".."}]

    async def read(self, path: str) -> bytes:
        return await self._call(path, self._read(path))

    async def link_target(self, path: str) -> str:
        return str(await self._call(path, self._sftp.readlink(path)))

    async def make_directory(self, path: str) -> None:
        await self._change(path, self._sftp.mkdir(path, asyncssh.SFTPAttrs(permissions=0o700)))
        self._unsynced.add(posixpath.dirname(path))

    async def create_file(self, path: str, data: bytes) -> None:
        await self._change(path, self._create_file(path, data))

    async def sync_directory(self, path: str) -> None:
        """As durable as a target allows: SFTP cannot sync a directory, so coreutils' `sync` does, where it is there.

        One command for this directory and those that new directories were made in.
        """
        directories = sorted({path, *self._unsynced})
        self._unsynced.clear()
        with contextlib.suppress(DriverFailure):
            await self.run(("sync", *directories), _SYNC_SECONDS)

    async def swap_link(self, path: str, target: str) -> None:
        parent, name = posixpath.split(path)
        following = posixpath.join(parent, f".{name}.next")
        await self.remove(following)  # left behind by an earlier end in mid-swap
        await self._change(following, self._sftp.symlink(target, following))
        await self._change(path, self._sftp.posix_rename(following, path))
        await self.sync_directory(parent)

    async def remove(self, path: str) -> None:
        with contextlib.suppress(Missing):
            await self._change(path, self._sftp.remove(path))

    async def remove_directory(self, path: str) -> None:
        await self._change(path, self._sftp.rmdir(path))

    async def together(self, steps: Callable[[Host], Coroutine[Any, Any, T]]) -> T:
        return await steps(self)

    async def run(self, argv: tuple[str, ...], timeout_seconds: float) -> Ran:
        """Each element is quoted for the POSIX shell that sshd starts, so it arrives as one argument."""
        try:
            return await self._run(shlex.join(argv), timeout_seconds)
        except (asyncssh.Error, OSError) as error:
            raise ConnectionDropped(f"The connection was lost while {argv[0]} ran: {error}") from error

    async def share(self, path: str, group: int) -> None:
        await self._change(path, self._share(path, group))

    @contextlib.asynccontextmanager
    async def stream(self, address: str) -> AsyncIterator[Stream]:
        """Forwarded by the SSH server, which must allow that (AllowTcpForwarding, AllowStreamLocalForwarding)."""
        try:
            async with asyncio.timeout(self._seconds):
                reader, writer = await self._open(address)
        except asyncssh.ChannelOpenError as error:
            raise no_answer(address, error) from error
        except (asyncssh.Error, OSError) as error:
            raise ConnectionDropped(f"The connection was lost on the way to {address}: {error}") from error
        try:
            yield ReadWrite(reader, writer)
        finally:
            writer.channel.abort()

    async def _open(self, address: str) -> tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]:
        if address.startswith("/"):
            return await self._connection.open_unix_connection(address)
        return await self._connection.open_connection(*host_and_port(address))

    async def _run(self, command: str, timeout_seconds: float) -> Ran:
        output = bytearray()
        try:
            async with asyncio.timeout(timeout_seconds):
                process = await self._connection.create_process(
                    command, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None
                )
                try:
                    await _collect(process, output)
                    await process.wait_closed()
                finally:
                    _end(process)
        except TimeoutError:
            return Ran(None, f"{_text(output)} (did not end within {timeout_seconds:g} s)")
        return _ran(process, output)

    async def _change(self, path: str, action: Awaitable[T]) -> T:
        return await self._call(path, action, again=True)

    async def _call(self, path: str, action: Awaitable[T], *, again: bool = False) -> T:
        """Carry it out once the ancestors are known to be directories, or are seen to be some `again`."""
        check = self._look_again if again else self._check_parents
        try:
            async with asyncio.timeout(self._seconds):
                await check(posixpath.dirname(path))
                return await action
        except TimeoutError as error:
            raise ConnectionDropped(f"{path}: no answer within {self._seconds:g} s.") from error
        except (asyncssh.Error, OSError) as error:
            raise await failure_of_sftp(self._sftp, error, path) from error
        finally:
            _forget(action)

    async def _check_parents(self, directory: str) -> None:
        if directory in self._plain:
            return
        await self._check_parents(posixpath.dirname(directory))
        _check_plain(directory, await self._kind(directory))
        self._plain.add(directory)

    async def _look_again(self, directory: str) -> None:
        """At a directory and all its ancestors, in one round trip."""
        steps = directory.strip("/").split("/")
        ancestors = ["/" + "/".join(steps[:count]) for count in range(1, len(steps) + 1)]
        for each, kind in zip(ancestors, await asyncio.gather(*map(self._kind, ancestors)), strict=True):
            _check_plain(each, kind)

    async def _kind(self, path: str) -> FileKind:
        attributes = await self._sftp.lstat(path)
        return _KINDS.get(stat.S_IFMT(attributes.permissions or 0), FileKind.OTHER)

    async def _read(self, path: str) -> bytes:
        if await self._kind(path) is not FileKind.FILE:
            raise NotAFile(path, "is not a regular file")
        async with self._sftp.open(path, "rb") as file:
            data = cast("bytes", await file.read(MAX_FILE + 1))
        if len(data) > MAX_FILE:
            raise NotAFile(path, f"is larger than {MAX_FILE} bytes")
        return data

    async def _share(self, path: str, group: int) -> None:
        found = await self._sftp.lstat(path)
        is_directory = stat.S_ISDIR(found.permissions or 0)
        mode = 0o750 if is_directory else 0o640
        await self._sftp.setstat(path, asyncssh.SFTPAttrs(uid=found.uid, gid=group))
        await self._sftp.setstat(path, asyncssh.SFTPAttrs(permissions=mode))

    async def _create_file(self, path: str, data: bytes) -> None:
        async with self._sftp.open(path, "xb", asyncssh.SFTPAttrs(permissions=0o600)) as file:
            await self._look_again(posixpath.dirname(path))
            await file.write(data)
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()


def _check_plain(directory: str, kind: FileKind) -> None:
    if kind is FileKind.LINK:
        raise LinkRefused(directory)
    if kind is not FileKind.DIRECTORY:
        raise DriverFailure(FailureCause.UNKNOWN, f"{directory} is not a directory.")


def _forget(action: Awaitable[T]) -> None:
    # A coroutine that was never awaited (a parent was refused first) must be closed, or Python warns.
    if asyncio.iscoroutine(action):
        action.close()


async def _collect(process: asyncssh.SSHClientProcess[bytes], output: bytearray) -> None:
    while chunk := await process.stdout.read(16_384):
        output.extend(chunk[: MAX_OUTPUT - len(output)])


def _end(process: asyncssh.SSHClientProcess[bytes]) -> None:
    with contextlib.suppress(OSError):  # it has ended, or its connection has
        process.kill()
    process.close()


def _ran(process: asyncssh.SSHClientProcess[bytes], output: bytearray) -> Ran:
    if process.exit_status is None and process.exit_signal is None:
        raise asyncssh.ConnectionLost("no exit status came")
    return Ran(process.exit_status if process.exit_signal is None else None, _text(output))


def _text(output: bytearray) -> str:
    return output.decode(errors="replace").strip()
