"""The demo's directory: what is kept between two starts, and where the parts have their files."""

import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec


class PlaceRefused(RuntimeError):
    """The directory cannot be used; the sentence says why."""


class Kept(msgspec.Struct, kw_only=True):
    """What a second start must find again. `ports` by name; endpoints in the history are `address:port`."""

    id: str
    address: str
    ports: dict[str, int] = {}
    bridge_id: str | None = None
    history_done: bool = False


class Place:
    """A demo's directory, 0700; spaces in its path are fine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.config = self.directory / "certferry.toml"
        self.tokens = self.directory / "tokens.json"
        self.ca = self.directory / "local-pki.pem"
        self.bridge = self.directory / "bridge"
        self.nginx = self.directory / "nginx"
        self.sites = self.nginx / "sites"
        self.logs = self.directory / "logs"
        self.postgres = self.directory / "postgres"
        self.data = self.directory / "service"
        self.sealing = self.directory / "sealing"
        self._kept = self.directory / "demo.json"
        self.kept = Kept(id="", address="")

    def open(self) -> None:
        """Make or find the directory. Raises PlaceRefused."""
        try:
            for directory in (self.directory, self.bridge, self.nginx, self.sites, self.logs, self.data):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise PlaceRefused(f"{self.directory} cannot be used: {error.strerror}.") from error
        if self._kept.exists():
            self.kept = msgspec.json.decode(self._kept.read_bytes(), type=Kept)
        elif any(self.postgres.glob("*")):
            raise PlaceRefused(f"{self.directory} holds data, but not of a demo. Choose another directory.")
        else:
            self.kept = Kept(id=secrets.token_hex(8), address=_address(self.directory))
            self.keep()

    def keep(self) -> None:
        """Store what changed in `kept`."""
        write_private(self._kept, msgspec.json.encode(self.kept))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else runs a demo here during the block. Raises PlaceRefused."""
        descriptor = os.open(self.directory / "demo.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise PlaceRefused(f"Another demo runs in {self.directory}. Stop it, or choose another --data.") from None
        finally:
            os.close(descriptor)


def default_directory() -> Path:
    """`certferry-demo` among the user's state (XDG Base Directory Specification, XDG_STATE_HOME)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "certferry-demo"


def write_private(path: Path, content: bytes) -> None:
    """Replace a file as a whole; 0600 from its creation."""
    following = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(following, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    following.replace(path)


def _address(directory: Path) -> str:
    """A loopback address of this demo's own, so that its web servers find their ports free at the next start."""
    middle = hashlib.sha256(str(directory).encode()).digest()
    return f"127.{1 + middle[0] % 254}.{middle[1]}.{1 + middle[2] % 254}"
