"""One running demo whose parts are killed, with a reload that takes a while, so that there is a middle to hit."""

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from tests.acceptance.story import Story, attempted
from tests.support.components import require
from tests.support.demo import Demo, running_demo

_SLOW = """
[profiles.slow]
test = ["sleep", "1"]
reload = {reload}
"""


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, whose bridge knows a reload profile that takes a second."""
    require("nginx")
    with running_demo(tmp_path_factory.mktemp("faults") / "demo") as demo:
        _add_slow_profile(demo)
        yield demo


def _add_slow_profile(demo: Demo) -> None:
    configuration = demo.directory / "bridge" / "bridge.toml"
    text = configuration.read_text()
    reload = next(line for line in text.splitlines() if line.startswith("reload = ")).partition(" = ")[2]
    configuration.write_text(text + _SLOW.format(reload=reload))
    demo.kill("bridge")


@pytest.fixture
def story(demo: Demo, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A fresh story; whatever it has stopped goes on afterwards."""
    yield Story(demo, attempted(request))
    for pid in demo.pids.values():
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def configured(demo: Demo, section: str, lines: str) -> Iterator[None]:
    """The worker with one more section of settings; with those of before at the end of the block."""
    file = demo.directory / "certferry.toml"
    before = file.read_text()
    assert f"[{section}]" not in before
    file.write_text(f"{before}\n[{section}]\n{lines}")
    demo.kill("worker")
    try:
        yield
    finally:
        file.write_text(before)
        demo.kill("worker")
