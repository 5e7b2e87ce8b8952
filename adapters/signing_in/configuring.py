"""The provider of OpenID Connect as operators set it up."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.setting_sources import SettingsRefused
from domain.role_grant import Role

if TYPE_CHECKING:
    from adapters.settings import Oidc as Chosen
    from adapters.signing_in.oidc import Oidc


def configured(chosen: "Chosen", now: Callable[[], datetime]) -> "Oidc | None":
    """None where there is no provider. Raises SettingsRefused."""
    if not chosen.issuer:
        return None
    from adapters.signing_in.oidc import Oidc, OidcSettings, trustworthy

    if not trustworthy(chosen.issuer):
        raise SettingsRefused("oidc.issuer must be https.")
    settings = OidcSettings(
        issuer=chosen.issuer,
        client_id=chosen.client_id,
        client_secret=str.__str__(chosen.client_secret),
        label=chosen.label,
        name_claim=chosen.name_claim,
        roles_claim=chosen.roles_claim,
        roles=_roles(chosen.roles),
        scopes=chosen.scopes,
        ca_file=chosen.ca_file,
    )
    return Oidc(settings, now)


def _roles(lines: tuple[str, ...]) -> dict[str, tuple[Role, ...]]:
    found: dict[str, tuple[Role, ...]] = {}
    for line in lines:
        value, _, role = line.rpartition("=")
        if role not in list(Role):
            raise SettingsRefused(f"oidc.roles: {role} is no role.")
        found[value] = (*found.get(value, ()), Role(role))
    return found
