"""One running demo for all pages of the manuals; every test brings its own site, target system and certificate."""

from collections.abc import Iterator

import pytest

from tests.acceptance.story import Story, attempted
from tests.support.components import require
from tests.support.demo import Demo, running_demo


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, in a directory with a space in its name."""
    require("nginx")
    with running_demo(tmp_path_factory.mktemp("acceptance") / "a demo") as demo:
        yield demo


@pytest.fixture
def story(demo: Demo, request: pytest.FixtureRequest) -> Story:
    """A fresh story: nothing has happened yet."""
    return Story(demo, attempted(request))
