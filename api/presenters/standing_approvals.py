"""Standing approvals."""

from datetime import datetime

import msgspec

from api.presenters.common import actor
from api.schemas.common import ActorBody
from api.schemas.standing_approvals import StandingApprovalBody, StandingApprovalBodyIn, WindowBody
from domain.standing_approval import Act, StandingApproval
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
        approved_at=_at(found.approved),
        approved_by=_by(found.approved),
        revoked_at=_at(found.revoked),
        revoked_by=_by(found.revoked),
        **terms,
    )


def terms_of(sent: StandingApprovalBodyIn) -> StandingTerms:
    """Terms as they were sent."""
    given = msgspec.structs.asdict(sent)
    given["window"] = Window(**msgspec.structs.asdict(sent.window)) if sent.window is not None else None
    return StandingTerms(**given)


def _at(act: Act | None) -> datetime | None:
    return act.at if act is not None else None


def _by(act: Act | None) -> ActorBody | None:
    return actor(act.by) if act is not None else None
