"""Garbage that complains while a failure is written down does not end the run."""

import ast
import gc

# Long enough for the collector to come by many times.
_SOURCE = "x = [1, 2, 3, 4, 5, f(6)]\n" * 2_000


class _Complaint:
    """What is collected only where the collector runs, and then has source parsed, deeper down than it was found."""

    collected = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        type(self).collected += 1
        self._deeper(15)

    def _deeper(self, times: int) -> None:
        if times:
            self._deeper(times - 1)
        else:
            ast.parse("a + b(c)")


def test_garbage_that_has_source_parsed_spoils_no_other_parse() -> None:
    """Whatever is collected while source is parsed, the tree is there (CPython before 3.12: SystemError)."""
    gc.collect()
    before = _Complaint.collected
    for _ in range(20):
        _Complaint()
        assert len(ast.parse(_SOURCE).body) == 2_000

    gc.collect()

    assert _Complaint.collected == before + 20
    assert gc.isenabled()
