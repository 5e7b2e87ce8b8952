"""Stopping loops that go on whatever happens to them."""

import asyncio


def asked_to_stop() -> bool:
    """Was this task cancelled, though what came out of it is an error? Cleaning up may fail, for instance because the
    database is away, and its error then stands where the cancellation was: a loop that began anew would never end.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
