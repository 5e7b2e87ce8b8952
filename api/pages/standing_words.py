"""Standing approvals in words: how they stand, what they say, what may be done with them."""

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from api.asking import Reading
from api.pages.facts import Fact
from api.pages.model import Button, Viewer
from api.pages.people import who
from api.pages.words import instant
from domain.entity import Event
from domain.roles import Permission, ask
from domain.standing_approval import Act, StandingApproval, StandingStatus, approve, revoke
from domain.standing_terms import Window

PATH = "/standing-approvals"
STATES: dict[StandingStatus, tuple[str, str, str]] = {
    StandingStatus.PROPOSED: ("Waits for a second person", "user-check", "warn"),
    StandingStatus.APPROVED: ("In force", "circle-check", "good"),
    StandingStatus.EXPIRED: ("Expired", "clock-exclamation", "quiet"),
    StandingStatus.REVOKED: ("Revoked", "circle-minus", "quiet"),
}
_STEPS = {"approve": "Approve", "revoke": "Revoke"}
_FITTING = {StandingStatus.PROPOSED: ("approve", "revoke"), StandingStatus.APPROVED: ("revoke",)}


def buttons(found: StandingApproval, viewer: Viewer, reading: Reading) -> tuple[Button, ...]:
    """The steps that make sense now, and why this person may not take one; none in the past."""
    if viewer.past:
        return ()
    meta = reading.context().meta
    decisions: dict[str, Callable[[], tuple[Event, ...]]] = {
        "approve": lambda: approve(found, meta, ()),
        "revoke": lambda: revoke(found, meta),
    }
    asked = [
        ask(step, viewer.roles, Permission.STANDING_APPROVALS, decisions[step])
        for step in _FITTING.get(found.status(reading.now), ())
    ]
    return tuple(
        Button(_STEPS[a.action], f"{PATH}/{found.id}/{a.action}", a.allowed, a.reason, primary=a.action == "approve")
        for a in asked
    )


def facts(found: StandingApproval, targets: Mapping[UUID, str], reading: Reading) -> tuple[Fact, ...]:
    """Everything that was agreed on; `targets` are names."""
    terms = found.terms
    return (
        *([Fact("Description", terms.description)] if terms.description else []),
        Fact("Names within", ", ".join(terms.names)),
        Fact("Issuers", "; ".join(terms.issuers)),
        Fact("Key algorithms", ", ".join(terms.key_algorithms)),
        Fact("Target systems", ", ".join(targets.get(each, str(each)) for each in terms.target_system_ids)),
        Fact("Window", window_words(terms.window)),
        *([Fact("From", f"{instant(terms.starts_at)} UTC")] if terms.starts_at is not None else []),
        Fact("Until", f"{instant(terms.expires_at)} UTC"),
        *_acts(found, reading),
        *([Fact("Digest", found.digest)] if found.digest else []),
    )


def window_words(window: Window | None) -> str:
    """`22:00 to 02:00 UTC, tuesday, thursday`."""
    if window is None:
        return "at any time"
    return ", ".join((f"{window.opens} to {window.closes} UTC", *(window.weekdays or ("every day",))))


def _acts(found: StandingApproval, reading: Reading) -> Iterator[Fact]:
    acts: tuple[tuple[str, Act | None], ...] = (
        ("Proposed", found.proposed),
        ("Approved", found.approved),
        ("Revoked", found.revoked),
    )
    for words, act in acts:
        if act is not None:
            yield Fact(words, f"{instant(act.at)} UTC, by {who(act.by, reading)}")
