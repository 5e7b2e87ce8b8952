"""What a person can do with a certificate now: push, download, download with its key, renew, revoke."""

from datetime import datetime

from domain.certificate import Certificate, check_key_available, check_pushable
from domain.errors import Code, Refused
from domain.pfx_export import check_exportable
from domain.renewal import check_renewable
from domain.revocation import check_revocable
from domain.role_grant import Role
from domain.roles import Action, Permission, ask

__all__ = ["Action", "available_actions"]


def available_actions(
    certificate: Certificate, *, roles: frozenset[Role], now: datetime, has_connector: bool = True
) -> tuple[Action, ...]:
    """All of them; one that the caller may not carry out says why.

    `has_connector`: is the certificate associated with a target system? (Manual: Push to Device is shown only then.)
    """

    def push() -> None:
        check_pushable(certificate, now)
        check_key_available(certificate)
        if not has_connector:
            raise Refused(Code.NO_CONNECTOR, "Add a target system first, then push.")

    return (
        ask("push", roles, Permission.PUSH, push),
        ask("download", roles, Permission.DOWNLOAD, lambda: None),
        ask("export_pfx", roles, Permission.EXPORT_PFX, lambda: check_exportable(certificate)),
        ask("renew", roles, Permission.RENEW, lambda: check_renewable(certificate)),
        ask("revoke", roles, Permission.REVOKE, lambda: check_revocable(certificate)),
    )
