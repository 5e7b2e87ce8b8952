"""Providers."""

from api.presenters.known import Known
from api.schemas.providers import ProviderBody
from domain.provider import RegisteredProvider


def body(found: Known[RegisteredProvider]) -> ProviderBody:
    """A provider; of its secrets, the names."""
    state = found.state
    return ProviderBody(
        id=found.id,
        provider=state.provider,
        name=state.name,
        settings=state.settings,
        secrets_set=state.secrets_set,
        retired=state.retired,
    )
