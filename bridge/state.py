"""The state directory of a bridge: its keys, its certificate, whom it belongs to. 0700, every file 0600 from birth."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

KEY, HPKE_KEY, REQUEST, CERTIFICATE, AUTHORITY, IDENTITY = (
    "key.pem",
    "hpke.key",
    "request.pem",
    "certificate.pem",
    "ca.pem",
    "bridge.json",
)
NEXT_KEY, NEXT_REQUEST, NEXT_CERTIFICATE = "next-key.pem", "next-request.pem", "next-certificate.pem"
JOURNAL = "journal"


class StateRefused(Exception):
    """The state directory cannot be used; the sentence says why and what to do."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which bridge this is, and of which control plane."""

    bridge_id: UUID
    name: str
    url: str


def open_state(directory: Path) -> Path:
    """The directory, made when missing. StateRefused unless it is ours alone."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        seen = directory.lstat()
    except OSError as error:
        raise StateRefused(f"The state directory {directory} cannot be used: {error.strerror}.") from error
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
        raise StateRefused(f"The state directory {directory} must be a directory of the user who runs the bridge.")
    if stat.S_IMODE(seen.st_mode) & 0o077:
        raise StateRefused(f"The state directory {directory} is open to others. Run: chmod 700 {directory}")
    return directory


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Nobody else uses the directory during the block. StateRefused when somebody does."""
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise StateRefused(f"Another certferry-bridge runs with the state directory {directory}.") from None
    finally:
        os.close(descriptor)


def save(directory: Path, name: str, content: str) -> None:
    """Write a file of the directory: 0600 from its creation, all or nothing, durable."""
    following = directory / f".{name}.next"
    following.unlink(missing_ok=True)
    descriptor = os.open(following, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    following.replace(directory / name)
    sync_directory(directory)


def move(directory: Path, name: str, onto: str) -> None:
    """Give a file of the directory the name of another one, which is gone: in one step, durable."""
    (directory / name).replace(directory / onto)
    sync_directory(directory)


def remove(directory: Path, *names: str) -> None:
    """Remove files of the directory; those that are not there are none."""
    for name in names:
        (directory / name).unlink(missing_ok=True)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_identity(directory: Path) -> Identity:
    """Who this bridge is. StateRefused when it was never enrolled."""
    try:
        return msgspec.json.decode((directory / IDENTITY).read_bytes(), type=Identity)
    except FileNotFoundError:
        raise StateRefused(f"No bridge is enrolled in {directory}. Run: certferry-bridge enrol") from None
    except (OSError, msgspec.DecodeError) as error:
        raise StateRefused(f"{directory / IDENTITY} cannot be read: {error}.") from error


def read_hpke_key(directory: Path) -> X25519PrivateKey:
    """The key that private keys are sealed to. StateRefused."""
    try:
        return X25519PrivateKey.from_private_bytes(bytes.fromhex((directory / HPKE_KEY).read_text()))
    except (OSError, ValueError):
        # `from None`: an error about a key's text could quote it.
        raise StateRefused(f"{directory / HPKE_KEY} cannot be read.") from None
