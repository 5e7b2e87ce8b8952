"""Stopping loops that go on whatever happens to them."""

import asyncio


def asked_to_stop() -> bool:
    """Was this task cancelled, though what came out of it is an error? Cleaning up may fail, for instance because the
    database is away, and its error then stands where the cancellation was: a loop that began anew would never end.
    """
    return times_cancelled() > 0


def stop_if_asked(error: BaseException) -> None:
    """Raise CancelledError from an error that stands where this task's cancellation was."""
    if asked_to_stop():
        raise asyncio.CancelledError from error


def times_cancelled() -> int:
    """How often this task was asked to stop, whatever has become of it."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0
