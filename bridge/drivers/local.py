"""A target on the bridge's own host. Directories are opened component by component without following any link."""

import asyncio
import contextlib
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar, cast

from bridge.drivers.commands import run_local
from bridge.drivers.failure import LinkRefused, Missing, NotAFile, failure_of
from bridge.drivers.host import MAX_FILE, Entry, FileKind, Host, Ran, Stream
from bridge.drivers.streams import ReadWrite, host_and_port, no_answer

T = TypeVar("T")

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
_KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.LINK}


class LocalHost:
    """Implements `Host` with calls relative to opened directories, so that no parent can be swapped for a link.

    Blocking calls run in a thread: an fsync may take its time while heartbeats go on. Handing a call to a thread takes
    longer than most of them, so steps that follow each other go there together.
    """

    async def together(self, steps: Callable[[Host], Coroutine[Any, Any, T]]) -> T:
        return await asyncio.to_thread(_driven, steps(_InThread()))

    async def kind(self, path: str) -> FileKind:
        try:
            return await self._call(path, _kind)
        except Missing:
            return FileKind.MISSING

    async def entries(self, path: str) -> list[Entry]:
        return await self._call(posixpath.join(path, "."), lambda directory, _name: _entries(directory))

    async def read(self, path: str) -> bytes:
        return await self._call(path, _read)

    async def link_target(self, path: str) -> str:
        return await self._call(path, lambda directory, name: os.readlink(name, dir_fd=directory))

    async def make_directory(self, path: str) -> None:
        await self._call(path, _make_directory)

    async def create_file(self, path: str, data: bytes) -> None:
        await self._call(path, lambda directory, name: _create_file(directory, name, data))

    async def sync_directory(self, path: str) -> None:
        await self._call(posixpath.join(path, "."), lambda directory, _name: _sync(directory))

    async def swap_link(self, path: str, target: str) -> None:
        await self._call(path, lambda directory, name: _swap_link(directory, name, target))

    async def remove(self, path: str) -> None:
        with contextlib.suppress(Missing):
            await self._call(path, lambda directory, name: os.unlink(name, dir_fd=directory))

    async def remove_directory(self, path: str) -> None:
        await self._call(path, lambda directory, name: os.rmdir(name, dir_fd=directory))

    async def run(self, argv: tuple[str, ...], timeout_seconds: float) -> Ran:
        return await run_local(argv, timeout_seconds)

    async def share(self, path: str, group: int) -> None:
        await self._call(path, lambda directory, name: _share(directory, name, group))

    @contextlib.asynccontextmanager
    async def stream(self, address: str) -> AsyncIterator[Stream]:
        try:
            if address.startswith("/"):
                reader, writer = await asyncio.open_unix_connection(address)
            else:
                reader, writer = await asyncio.open_connection(*host_and_port(address))
        except OSError as error:
            raise no_answer(address, error) from error
        try:
            yield ReadWrite(reader, writer)
        finally:
            writer.transport.abort()

    async def _call(self, path: str, action: Callable[[int, str], T]) -> T:
        return await asyncio.to_thread(_called, path, action)


class _InThread(LocalHost):
    """The same for whoever is in a thread already: every file step is over before anybody could wait for it."""

    async def together(self, steps: Callable[[Host], Coroutine[Any, Any, T]]) -> T:
        return await steps(self)

    async def _call(self, path: str, action: Callable[[int, str], T]) -> T:
        return _called(path, action)


def _driven(steps: Coroutine[Any, Any, T]) -> T:
    """Carry a coroutine to its end here. RuntimeError where it waits: there is no event loop in this thread."""
    try:
        steps.send(None)
    except StopIteration as ended:
        return cast("T", ended.value)
    steps.close()
    raise RuntimeError("only steps on files go together")


def _called(path: str, action: Callable[[int, str], T]) -> T:
    """`action(descriptor of the parent directory, last component)`; an OSError becomes a DriverFailure."""
    try:
        return _in_parent(path, action)
    except OSError as error:
        raise failure_of(error, path) from error


def _in_parent(path: str, action: Callable[[int, str], T]) -> T:
    parent, name = posixpath.split(path)
    directory = _open_directory(parent)
    try:
        return action(directory, name)
    finally:
        os.close(directory)


def _open_directory(path: str) -> int:
    directory = os.open("/", _WALK)
    walked = ""
    for component in filter(None, path.split("/")):
        walked = f"{walked}/{component}"
        try:
            below = os.open(component, _WALK, dir_fd=directory)
        except NotADirectoryError:
            if _kind(directory, component) is FileKind.LINK:
                raise LinkRefused(walked) from None
            raise
        finally:
            os.close(directory)
        directory = below
    return directory


def _kind(directory: int, name: str) -> FileKind:
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    return _KINDS.get(stat.S_IFMT(mode), FileKind.OTHER)


def _entries(directory: int) -> list[Entry]:
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    try:
        with os.scandir(readable) as found:
            return [Entry(each.name, each.stat(follow_symlinks=False).st_mtime) for each in found]
    finally:
        os.close(readable)


def _read(directory: int, name: str) -> bytes:
    # O_NONBLOCK: a named pipe in the place of the file must not hang the bridge.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFile(name, "is not a regular file")
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise NotAFile(name, f"is larger than {MAX_FILE} bytes")
    return data


def _make_directory(directory: int, name: str) -> None:
    os.mkdir(name, 0o700, dir_fd=directory)
    _sync(directory)


def _create_file(directory: int, name: str, data: bytes) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _share(directory: int, name: str, group: int) -> None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    try:
        is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, 0o750 if is_directory else 0o640)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap_link(directory: int, name: str, target: str) -> None:
    following = f".{name}.next"
    with contextlib.suppress(FileNotFoundError):  # left behind by an earlier end in mid-swap
        os.unlink(following, dir_fd=directory)
    os.symlink(target, following, dir_fd=directory)
    os.rename(following, name, src_dir_fd=directory, dst_dir_fd=directory)
    _sync(directory)


def _sync(directory: int) -> None:
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=directory)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
