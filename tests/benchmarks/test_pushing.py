"""benchmarks.pushing: every work order of a Deploy to All really ends, and each process's time is counted."""

from benchmarks import pushing


def test_every_push_is_carried_out() -> None:
    """Accepted in one call, carried out by a worker and a bridge: as many as there are connectors."""
    [done], [waiting] = pushing.run([3])
    assert waiting > 0
    assert {"completed": 3} == done.ended
    assert {"submitting", "worker", "PostgreSQL"} == set(done.processor)
    assert 0 < done.accepted < done.terminal
    assert [3, "3 completed"] == [int(str(pushing.row(3, [done])[0])), pushing.row(3, [done])[-1]]
