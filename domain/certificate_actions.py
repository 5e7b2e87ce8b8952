"""What a person can do with a certificate now: push, download, download with its key, renew, revoke."""

from datetime import datetime

from domain.certificate import Certificate, check_key_available, check_pushable
from domain.errors import Code, Refused
from domain.pfx_export import check_exportable
from domain.renewal import check_renewable
from domain.revocation import check_revocable
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern
from domain.roles import Action, Permission, ask, reach

__all__ = ["Action", "available_actions"]


def available_actions(
    certificate: Certificate,
    *,
    roles: frozenset[Role],
    now: datetime,
    has_connector: bool = True,
    scoped: frozenset[ScopedRole] = frozenset(),
) -> tuple[Action, ...]:
    """All of them; one that the caller may not carry out says why. `scoped`: the roles within scopes. Which target
    systems these reach is told by each push; whether they reach any is not asked here.

    `has_connector`: is the certificate associated with a target system? (Manual: Push to Device is shown only then.)
    """
    held = reach(roles, scoped, Concern(certificate_tags=certificate.tags))
    pushing = reach(roles, scoped, Concern(certificate_tags=certificate.tags, any_target=True))

    def push() -> None:
        check_pushable(certificate, now)
        check_key_available(certificate)
        if not has_connector:
            raise Refused(Code.NO_CONNECTOR, "Add a target system first, then push.")

    return (
        ask("push", pushing.roles, Permission.PUSH, push, pushing.outside),
        ask("download", held.roles, Permission.DOWNLOAD, lambda: None, held.outside),
        ask("export_pfx", held.roles, Permission.EXPORT_PFX, lambda: check_exportable(certificate), held.outside),
        ask("renew", held.roles, Permission.RENEW, lambda: check_renewable(certificate), held.outside),
        ask("revoke", held.roles, Permission.REVOKE, lambda: check_revocable(certificate), held.outside),
    )
