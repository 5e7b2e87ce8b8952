"""How tests are spread over processes (pytest-xdist): what shares something costly together, what takes long first.

One unit of work is a file, except:
- files that share a running demo are one unit, so that there is one demo of theirs, not one per file;
- where the tests of one file each take long, or need servers of their own, they are units by parameter.
"""

import os
from typing import Any

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/acceptance/", "tests/pages/", "tests/faults/")
"""Directories whose conftest.py starts a demo."""

BY_PARAMETER = ("tests/api/test_description.py", "tests/bridge/kinds/test_contract.py")
"""Files whose parameters, up to the first hyphen, are units: the phases of the fuzzer, the kinds of server."""

FIRST = (
    *BY_PARAMETER[:1],
    *TOGETHER,
    "tests/demo/",
    "tests/bridge/test_crashes.py",
    "tests/api/cli/",
    "tests/adapters/postgres/",
    "tests/projections/",
    "tests/bridge/",
    "tests/api/",
)
"""What begins a run, in this order. A unit that takes minutes and comes last keeps one process busy, and no other."""

MORE_THAN_PROCESSORS = 3
"""Most tests wait for others: for servers to start, for a disk, for the next tick of something."""


def processes() -> int:
    """How many share the tests."""
    return MORE_THAN_PROCESSORS + (os.cpu_count() or 1)


def unit(nodeid: str) -> str:
    """The unit that a test belongs to."""
    file, _, test = nodeid.partition("::")
    for directory in TOGETHER:
        if file.startswith(directory):
            return directory
    if file in BY_PARAMETER and test.endswith("]"):
        return f"{file}[{test.partition('[')[2].rstrip(']').partition('-')[0]}]"
    return file


def rank(nodeid: str) -> int:
    """Where in the order it comes; those of one rank stay as they are."""
    return next((n for n, start in enumerate(FIRST) if nodeid.startswith(start)), len(FIRST))


class Spreading(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist's types end at its schedulers
    """Hands out units in the order of their first tests."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def remove_node(self, node: Any) -> str | None:
        """Returns the test at which a process has crashed. What it had not begun is handed out again; pytest-xdist
        hands out also what is done, and then waits for ever for the end of nothing.
        """
        left: list[tuple[str, list[str]]] = [
            (scope, [nodeid for nodeid, done in tests.items() if not done])
            for scope, tests in self.assigned_work.pop(node).items()
        ]
        crashed = next((tests.pop(0) for _, tests in left if tests), None)
        for scope, tests in left:
            self._hand_out_again(scope, tests)
        return crashed

    def mark_test_pending(self, item: str) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] # base: never
        """A test that has crashed is tried once more (docs/adr/0018)."""
        self._hand_out_again(self._split_scope(item), [item])

    def _hand_out_again(self, scope: str, tests: list[str]) -> None:
        if tests:
            self.workqueue.setdefault(scope, {}).update(dict.fromkeys(tests, False))

    def _reschedule(self, node: Any) -> None:
        """A process begins a test only when it knows the one that follows, or that there is none."""
        super()._reschedule(node)
        while self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            self._assign_work_unit(node)


def put_in_order(items: list[Any]) -> None:
    """The same order in every process."""
    items.sort(key=lambda item: rank(item.nodeid))
