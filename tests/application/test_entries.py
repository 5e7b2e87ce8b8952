"""Salts: what hides an event's payload behind its hash is drawn for each event, in each process."""

import os

from application.entries import new_salt
from application.leaf import SALT_BYTES


def test_no_salt_comes_twice() -> None:
    """Drawn in batches, given out one by one."""
    drawn = [new_salt() for _ in range(1000)]
    assert {SALT_BYTES} == set(map(len, drawn))
    assert len(set(drawn)) == len(drawn)


def test_a_forked_process_draws_its_own() -> None:
    """What a process has in store is not given out by its child as well."""
    new_salt()
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(there, b"".join(new_salt() for _ in range(10)))
        finally:
            os._exit(0)  # whatever happens, the child is no second run of the tests
    os.waitpid(child, 0)
    drawn = os.read(here, 10 * SALT_BYTES)
    of_child = {drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)}
    assert len(of_child) == 10
    assert of_child.isdisjoint(new_salt() for _ in range(100))
