"""Small files that only their owner may read, private from their first moment."""

import os
import secrets
import stat
from pathlib import Path


class NotPrivate(RuntimeError):
    """Others may use the file, so that its secret is none; the message says how to change that."""


def create_private(path: Path, content: bytes) -> None:
    """Make a file whole or not at all; when several processes try at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(temporary, content)
        _link_first(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_private(path: Path, content: bytes) -> None:
    """Put another content in the place of a file, whole or not at all; durable when it returns."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """At most 1024 bytes. Raises NotPrivate, OSError."""
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or found.st_uid not in {0, os.geteuid()}:
            raise NotPrivate(f"{path} belongs to somebody else, or others may use it: chmod 0600 {path}")
        return file.read(1024)


def sync_directory(directory: Path) -> None:
    """Names made, moved or removed in it are durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes) -> None:
    # 0600 from the first moment: never created open and narrowed afterwards.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _link_first(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process was first: its content counts
    sync_directory(path.parent)
