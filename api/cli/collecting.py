"""How often the garbage collector looks through what a process holds."""

import gc

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 50
"""Python's own 700, 10, 10 are for small programs: a command over thousands of connectors keeps what it reads until it
has ended, and looking through all that again and again took up to a third of its time.
"""


def collect_seldom() -> None:
    """What is there now stays for ever and is not looked through any more; what comes is looked through less often."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.enable()
