"""Standing approvals in words: how they stand, what they say, what may be done with them."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from api.asking import Reading
from api.pages import steps
from api.pages.facts import Fact
from api.pages.model import Button, Viewer
from api.pages.people import who
from api.pages.steps import Step, without_comment
from api.pages.words import instant
from application.standing import approve_standing_approval, revoke_standing_approval
from domain.act import Act
from domain.roles import Permission
from domain.standing_approval import StandingApproval, StandingStatus, approve, revoke
from domain.standing_terms import Window

PATH = "/standing-approvals"
STATES: dict[StandingStatus, tuple[str, str, str]] = {
    StandingStatus.PROPOSED: ("Waits for a second person", "user-check", "warn"),
    StandingStatus.APPROVED: ("In force", "circle-check", "good"),
    StandingStatus.EXPIRED: ("Expired", "clock-exclamation", "quiet"),
    StandingStatus.REVOKED: ("Revoked", "circle-minus", "quiet"),
}
STEPS: dict[str, Step[StandingApproval]] = {
    "approve": Step(
        "Approve the standing approval",
        "From now on the pushes of renewals that match all of this go ahead without asking anybody.",
        "Yes, approve",
        Permission.STANDING_APPROVALS,
        without_comment(approve_standing_approval),
        comment=False,
        words="Approve",
        check=lambda found, meta: approve(found, meta, ()),
        primary=True,
    ),
    "revoke": Step(
        "Revoke the standing approval",
        "Nothing more is pushed under it, and what waits for its window expires. What runs already goes on.",
        "Revoke",
        Permission.STANDING_APPROVALS,
        without_comment(revoke_standing_approval),
        comment=False,
        words="Revoke",
        check=revoke,
    ),
}
_FITTING = {StandingStatus.PROPOSED: ("approve", "revoke"), StandingStatus.APPROVED: ("revoke",)}


def buttons(found: StandingApproval, viewer: Viewer, reading: Reading) -> tuple[Button, ...]:
    """The steps that make sense now, and why this person may not take one; none in the past."""
    fitting = {name: STEPS[name] for name in _FITTING.get(found.status(reading.now), ())}
    return steps.buttons(fitting, found, f"{PATH}/{found.id}", viewer, reading)


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
