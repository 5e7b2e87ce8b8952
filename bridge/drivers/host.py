"""The few things a driver does on a target's file system, whether it is here or at the other end of a connection."""

import contextlib
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

T = TypeVar("T")

MAX_FILE = 262_144
"""Bytes of a file that is read back; a longer one is not ours."""

MAX_OUTPUT = 65_536
"""Bytes of a command's output that are kept."""


class FileKind(StrEnum):
    """What a path names; a symbolic link is never followed to find out."""

    MISSING = "missing"
    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


class Entry(msgspec.Struct, frozen=True):
    """A name in a directory, with its modification time (seconds since 1970)."""

    name: str
    modified_at: float


class Ran(msgspec.Struct, frozen=True):
    """How a command ended: its exit status (None: killed by a signal or never ended) and what it wrote."""

    exit_status: int | None
    output: str


class Stream(Protocol):
    """A connection to a service, made on the target. OSError and asyncssh.Error where it breaks."""

    async def read(self) -> bytes:
        """The next bytes; none at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of it."""
        ...


class Host(Protocol):
    """Every path is absolute and normalised, and no operation passes through a symbolic link on its way.

    Each operation raises DriverFailure (ConnectionDropped where a new connection may help).
    """

    async def kind(self, path: str) -> FileKind:
        """What the path names."""
        ...

    async def entries(self, path: str) -> list[Entry]:
        """What is in the directory, in no order."""
        ...

    async def read(self, path: str) -> bytes:
        """The content of a regular file of at most MAX_FILE bytes."""
        ...

    async def link_target(self, path: str) -> str:
        """What a symbolic link says, unresolved."""
        ...

    async def make_directory(self, path: str) -> None:
        """A new directory, mode 0700 from the start; durable at the latest with the next `sync_directory`."""
        ...

    async def create_file(self, path: str, data: bytes) -> None:
        """A new file, mode 0600 from the start, with its content durable. Fails when it exists."""
        ...

    async def sync_directory(self, path: str) -> None:
        """Make the names in the directory durable."""
        ...

    async def swap_link(self, path: str, target: str) -> None:
        """Make `path` a symbolic link that says `target`, in one atomic and durable step; any earlier one is gone."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a file or a link; nothing happens when there is none."""
        ...

    async def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""
        ...

    async def together(self, steps: Callable[["Host"], Coroutine[Any, Any, T]]) -> T:
        """Carry out steps on files that follow each other, given a host for them: nothing else may be waited for in
        between. It is as if each were called by itself, with less in between where the host is this one.
        """
        ...

    async def run(self, argv: tuple[str, ...], timeout_seconds: float) -> Ran:
        """Run a command, each element as one argument, without a shell's reading of it."""
        ...

    async def share(self, path: str, group: int) -> None:
        """Let a group (its number) read a file of ours, or enter and read a directory of ours; durable."""
        ...

    def stream(self, address: str) -> contextlib.AbstractAsyncContextManager[Stream]:
        """A connection from the target to a UNIX socket's path or host:port. DriverFailure where there is none."""
        ...
