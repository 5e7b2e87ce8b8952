"""Standing approvals."""

from datetime import datetime

import msgspec

from api.presenters.common import actor, done_at, done_by
from api.schemas.standing_approvals import StandingApprovalBody, StandingApprovalBodyIn, WindowBody
from domain.standing_approval import StandingApproval
from domain.standing_terms import StandingTerms, Window


def body(found: StandingApproval, now: datetime) -> StandingApprovalBody:
    """One of them, as it stands at an instant."""
    terms = msgspec.structs.asdict(found.terms)
    window = found.terms.window
    terms["window"] = WindowBody(**msgspec.structs.asdict(window)) if window is not None else None
    return StandingApprovalBody(
        id=found.id,
        version=found.version,
        status=found.status(now),
        digest=found.digest,
        proposed_at=found.proposed.at,
        proposed_by=actor(found.proposed.by),
        approved_at=done_at(found.approved),
        approved_by=done_by(found.approved),
        revoked_at=done_at(found.revoked),
        revoked_by=done_by(found.revoked),
        **terms,
    )


def terms_of(sent: StandingApprovalBodyIn) -> StandingTerms:
    """Terms as they were sent."""
    given = msgspec.structs.asdict(sent)
    given["window"] = Window(**msgspec.structs.asdict(sent.window)) if sent.window is not None else None
    return StandingTerms(**given)
