"""Steps on files that go together are the same steps, in one turn of a thread."""

import asyncio
from pathlib import Path
from unittest.mock import patch

import pytest

from bridge.drivers.failure import Missing
from bridge.drivers.host import FileKind, Host
from bridge.drivers.local import LocalHost


async def test_one_thread_for_several_steps(tmp_path: Path) -> None:
    """They read and write as each would by itself, and are handed to a thread once."""

    async def steps(host: Host) -> tuple[FileKind, bytes]:
        before = await host.kind(f"{tmp_path}/a")
        await host.create_file(f"{tmp_path}/a", b"content")
        await host.together(lambda same: same.swap_link(f"{tmp_path}/link", "a"))
        return before, await host.read(f"{tmp_path}/a")

    with patch("bridge.drivers.local.asyncio.to_thread", wraps=asyncio.to_thread) as handed:
        assert (FileKind.MISSING, b"content") == await LocalHost().together(steps)
    assert 1 == handed.call_count
    assert "a" == (tmp_path / "link").readlink().name


async def test_a_step_that_fails_ends_them(tmp_path: Path) -> None:
    """With the failure that it has by itself; those before it have been done, those after it have not."""

    async def steps(host: Host) -> None:
        await host.make_directory(f"{tmp_path}/made")
        await host.read(f"{tmp_path}/none")
        await host.make_directory(f"{tmp_path}/never")

    with pytest.raises(Missing):
        await LocalHost().together(steps)
    assert ["made"] == [entry.name for entry in await LocalHost().entries(str(tmp_path))]


async def test_nothing_else_is_waited_for() -> None:
    """A step that needs the event loop is a mistake, and no deadlock."""
    with pytest.raises(RuntimeError, match="only steps on files"):
        await LocalHost().together(lambda _: asyncio.sleep(0))
