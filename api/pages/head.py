"""The head of every page: the places that this person has, the everyday ones in a row and the others in a menu."""

from collections.abc import Iterator
from typing import NamedTuple

from api.pages.model import Viewer
from domain.roles import Permission, may

_WITHIN = {
    "replacements": "orders",
    "replacement": "orders",
    "verification-run": "verification",
    "report-schedules": "reports",
}
"""Pages that have no entry of their own, and below which one they are."""


class Entry(NamedTuple):
    """A way in the head; `here`: it is where the page is. `fixed`: it knows no moment but now."""

    path: str
    words: str
    here: bool = False
    fixed: bool = False


class Head(NamedTuple):
    """What the head shows."""

    row: tuple[Entry, ...]
    more: tuple[tuple[str, tuple[Entry, ...]], ...]

    @property
    def elsewhere(self) -> str:
        """The words of the place where the page is, if that is in the menu."""
        return next((entry.words for _, entries in self.more for entry in entries if entry.here), "")


def head_of(viewer: Viewer, tab: str | None, *, past: bool) -> Head:
    """The head of a page of a tab."""
    tab = _WITHIN.get(tab or "", tab)

    def marked(entries: Iterator[Entry]) -> tuple[Entry, ...]:
        return tuple(entry._replace(here=entry.path == f"/{tab}") for entry in entries)

    groups = ((words, marked(entries(viewer))) for words, entries in _GROUPS)
    return Head(marked(_row(viewer, past=past)), tuple(group for group in groups if group[1]))


def _row(viewer: Viewer, *, past: bool) -> Iterator[Entry]:
    yield Entry("/certificates", "Certificates")
    yield Entry("/orders", "Orders")
    yield Entry("/work-orders", "Work orders")
    yield Entry("/target-systems", "Target systems")
    yield Entry("/bridges", "Bridges")
    yield Entry("/verification", "Verification")
    if not past:
        yield Entry("/reports", "Reports")
    if viewer.sees_alerts:
        yield Entry("/alerts", "Alerts")
    if viewer.sees_everything:
        yield Entry("/audit-log", "Audit log")


def _rules(viewer: Viewer) -> Iterator[Entry]:
    yield Entry("/approval-policies", "Approval policies")
    yield Entry("/standing-approvals", "Standing approvals")
    if viewer.sees_policies:
        yield Entry("/issuance-policies", "Issuance policies")


def _telling(viewer: Viewer) -> Iterator[Entry]:
    if viewer.sees_alerts or may(viewer.roles, Permission.CHANNELS):
        yield Entry("/expiry-alert-rules", "Expiry alert rules")
    if viewer.sees_channels:
        yield Entry("/notification-channels", "Notification channels")


def _access(viewer: Viewer) -> Iterator[Entry]:
    if viewer.sees_people:
        yield Entry("/people", "People")
        yield Entry("/tokens", "Tokens")
    if viewer.approves_roles or viewer.sees_everything:
        yield Entry("/role-grants", "Proposed roles")


def _programs(_: Viewer) -> Iterator[Entry]:
    yield Entry("/docs", "API", fixed=True)


_GROUPS = (("Rules", _rules), ("Messages", _telling), ("Access", _access), ("For programs", _programs))
