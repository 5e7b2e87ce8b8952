"""What all stores of tests have in common: real servers in the foreground, and a word of somebody else's about them."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bridge.config import Config
from tests.bridge.deploying import Deployer
from tests.bridge.pki import Issued

_LOOKS = 10_000


@dataclass(frozen=True)
class Held:
    """What lies under a name, seen by a client that is not the bridge. No key where the store gives none out."""

    reference: str
    chain: str
    key: str | None = None


class StoreServer:
    """A store that runs, and how a bridge is to be told of it."""

    kind: ClassVar[str]
    hidden: tuple[str, ...]
    """What nobody but the bridge may learn."""

    def settings(self, name: str) -> dict[str, Any]:
        """Of a target whose own place has this name."""
        raise NotImplementedError

    def config(self, **changes: Any) -> Config:
        """Of a bridge that may do what it needs; `changes` are those of the store's entry."""
        raise NotImplementedError

    def held(self, name: str) -> Held | None:
        """What lies there now."""
        raise NotImplementedError

    def everything(self) -> object:
        """A value that changes when anything in the store does."""
        raise NotImplementedError

    def spoil(self, name: str) -> None:
        """Somebody else breaks what lies there."""
        raise NotImplementedError


def deployer(server: StoreServer, name: str, **changes: Any) -> Deployer:
    return Deployer(server.settings(name), server.config(**changes), kind=server.kind)


def is_held(server: StoreServer, name: str, issued: Issued) -> bool:
    """Exactly the chain, and a key that is the pushed one."""
    found = server.held(name)
    return found is not None and found.chain == issued.fullchain_pem and found.key in {None, issued.key_pem}


@contextlib.contextmanager
def running(argv: list[str], log: Path, answers: Callable[[], bool], environment: Mapping[str, str]) -> Iterator[None]:
    """A server in the foreground that answers, stopped at the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], **environment},
            cwd=log.parent,
        )
    try:
        for _ in range(_LOOKS):
            assert process.poll() is None, log.read_text(errors="replace")
            if answers():
                break
            time.sleep(0.02)
        else:
            raise AssertionError(f"{argv[0]} does not answer:\n{log.read_text(errors='replace')}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
