"""Legal holds."""

from api.presenters.common import actor
from api.schemas.legal_holds import LegalHoldBody
from application.holding import PlacedHold


def legal_hold(found: PlacedHold) -> LegalHoldBody:
    """One hold."""
    hold, released = found.hold, found.hold.released
    return LegalHoldBody(
        id=hold.id,
        status="open" if released is None else "released",
        principal_id=hold.principal_id,
        reason=hold.set.reason,
        set_by=actor(hold.set_by),
        set_at=hold.set_at,
        released_by=actor(released.meta.actor) if released is not None else None,
        released_at=released.meta.at if released is not None else None,
        release_reason=released.reason if released is not None else None,
    )
