"""Interleaved rounds: A B C, A B C, ... so that a noisy neighbour hits all of them, and ratios within a round."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec


class Measure(msgspec.Struct, frozen=True):
    """What one contestant did in one round: how many per second, and how long the slowest hundredth took (ms)."""

    per_second: float
    p99_ms: float | None = None


class Ratio(msgspec.Struct, frozen=True):
    """The median of the ratios within rounds, and their extremes."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.least:.2f}-{self.most:.2f}]"


Contestant = Callable[[], Measure]
Rounds = list[dict[str, Measure]]


def interleave(contestants: Mapping[str, Contestant], rounds: int, warm_up: int = 1) -> Rounds:
    """Run every contestant once per round; the first `warm_up` rounds do not count."""
    done = [{name: run() for name, run in contestants.items()} for _ in range(rounds + warm_up)]
    return done[warm_up:]


def ratio(rounds: Rounds, ours: str, theirs: str) -> Ratio | None:
    """Ours over theirs, None where the peer is absent."""
    if not rounds or theirs not in rounds[0]:
        return None
    values = [each[ours].per_second / each[theirs].per_second for each in rounds]
    return Ratio(statistics.median(values), min(values), max(values))


def median(rounds: Rounds, name: str) -> Measure | None:
    """The median of one contestant's rounds."""
    measures = [each[name] for each in rounds if name in each]
    if not measures:
        return None
    slow = [each.p99_ms for each in measures if each.p99_ms is not None]
    return Measure(statistics.median(each.per_second for each in measures), statistics.median(slow) if slow else None)


def percentile(values: Sequence[float], fraction: float) -> float:
    """The value that `fraction` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]


def as_json(rounds: Rounds) -> list[dict[str, Any]]:
    """Rounds as plain values."""
    return [{name: msgspec.to_builtins(measure) for name, measure in each.items()} for each in rounds]
