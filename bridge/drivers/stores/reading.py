"""Reading the files of the owner's that hold credentials: YAML of others' formats, of which a part is of interest."""

from pathlib import Path
from typing import TypeVar

import msgspec

from bridge.drivers.failure import DriverFailure
from bridge.protocol import FailureCause

T = TypeVar("T", bound=msgspec.Struct)


def read_bytes(path: str) -> bytes:
    """DriverFailure (permission_denied) where it cannot be read: without credentials there is no permission."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise DriverFailure(FailureCause.PERMISSION_DENIED, message) from None


def read_yaml(path: str, shape: type[T]) -> T:
    """What a file says of `shape`. DriverFailure; nothing of its content gets into the sentence."""
    try:
        return msgspec.yaml.decode(read_bytes(path), type=shape)
    except msgspec.ValidationError as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"{path} is refused: {error}.") from None
    except (msgspec.DecodeError, ValueError):
        raise DriverFailure(FailureCause.UNKNOWN, f"{path} is no YAML.") from None
