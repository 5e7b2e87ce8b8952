"""Steps that somebody may take now, of work orders and of certificates."""

from collections.abc import Iterable

from api.schemas.common import ActionBody
from domain.roles import Action


def action_bodies(found: Iterable[Action]) -> tuple[ActionBody, ...]:
    """Each step with the reason why it is not allowed, if so."""
    return tuple(
        ActionBody(action=each.action, allowed=each.allowed, reason=each.reason, code=each.code) for each in found
    )
