"""Waiting for something to become true."""

import time
from collections.abc import Callable


def wait_until(true: Callable[[], object], seconds: float, every: float = 0.05) -> None:
    """Return as soon as `true()` is; fail after `seconds`."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not true within {seconds} s"
        time.sleep(every)
