"""How much a replay keeps in memory."""

from pathlib import Path

import pytest

from adapters.replaying import memory

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with 8 GiB available and no limit of a group."""
    (tmp_path / "meminfo").write_text("MemTotal:       9000000 kB\nMemAvailable:    8388608 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    return tmp_path


def test_it_is_a_part_of_what_is_available(machine: Path) -> None:
    """An eighth of it, shared by the processes, at two kilobytes a row."""
    assert 8 * GIB // 8 // 2048 == memory.rows_in_memory(1)
    assert 8 * GIB // 8 // 2048 // 4 == memory.rows_in_memory(4)


def test_a_group_is_not_left_without_memory(machine: Path) -> None:
    """Its limit counts, less what is used already; `max` is none."""
    (machine / "memory.max").write_text(f"{2 * GIB}\n")
    (machine / "memory.current").write_text(f"{GIB}\n")
    assert GIB // 8 // 2048 == memory.rows_in_memory(1)
    (machine / "memory.max").write_text("max\n")
    assert GIB // 2048 == memory.rows_in_memory(1)


def test_where_nobody_tells_nothing_waits(machine: Path) -> None:
    """Without a figure, and where a group has used more than it may."""
    (machine / "memory.max").write_text("10")
    (machine / "memory.current").write_text("20")
    assert 0 == memory.rows_in_memory(1)
    (machine / "meminfo").write_text("something else")
    assert 0 == memory.rows_in_memory(1)


def test_of_little_memory_little_is_held() -> None:
    """A tenth of it changes before it is put aside, as some ten read models keep as much; never more than is of use."""
    assert [1_000, 1_000, 4_600, 40_000, 40_000] == [
        memory.rows_held(most) for most in (0, 2_000, 46_000, 400_000, 2_000_000)
    ]
