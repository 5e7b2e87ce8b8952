"""The bar that shows a certificate's life in the colours of its last days, with a mark for today."""

from datetime import datetime, timedelta
from typing import NamedTuple

from api.pages.words import plural
from domain.certificate_facts import CertificateFacts
from domain.colour import Thresholds

WIDTH = 1000


class Part(NamedTuple):
    """A stretch of the bar, in units of a drawing 1000 wide."""

    colour: str
    start: float
    width: float


class Lifetime(NamedTuple):
    """The parts, the mark for today (None outside the validity), the same in words, and the style that places them."""

    parts: tuple[Part, ...]
    today: float | None
    words: str
    place: str


def draw(facts: CertificateFacts, now: datetime, thresholds: Thresholds = Thresholds()) -> Lifetime:
    """The bar at an instant."""
    total = max((facts.not_after - facts.not_before).total_seconds(), 1.0)
    ends = [("green", thresholds.blue), ("blue", thresholds.yellow), ("yellow", thresholds.orange), ("orange", 0)]
    parts: list[Part] = []
    start = 0.0
    for colour, days_left in ends:
        end = max(0.0, 1 - timedelta(days=days_left).total_seconds() / total) * WIDTH
        if end > start:
            parts.append(Part(colour, round(start, 1), round(end - start, 1)))
            start = end
    share = (now - facts.not_before).total_seconds() / total
    return Lifetime(tuple(parts), _today(share), _words(facts, now), _place(share))


def _place(share: float) -> str:
    """Tenths in the middle; near the ends the words stand beside those of the end."""
    tenths = round(share * 10)
    return "early" if tenths < 3 else "late" if tenths > 7 else f"at-{tenths}"


def _today(share: float) -> float | None:
    return round(min(share * WIDTH, WIDTH - 3), 1) if 0 <= share <= 1 else None


def _words(facts: CertificateFacts, now: datetime) -> str:
    if now > facts.not_after:
        return f"Ended {plural((now - facts.not_after).days, 'day')} ago"
    if now < facts.not_before:
        return f"Begins in {plural((facts.not_before - now).days, 'day')}"
    return f"Today, {plural((facts.not_after - now).days, 'day')} left"
