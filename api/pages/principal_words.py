"""People, programs and tokens in words: how they stand, what is told of them, what can be done with them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from api.asking import Reading
from api.pages.facts import Fact
from api.pages.model import Button, Viewer
from api.pages.sheet import Cell, Column
from api.pages.steps import Step, without_comment
from api.pages.words import instant
from application.administering import revoke_own_token
from application.disabling import disable_principal, enable_principal
from application.signing_in import release_identity
from domain import disabling
from domain.principal import Principal, Token, TokenStatus, token_status
from domain.role_grant import Role
from domain.role_scope import role_words
from domain.roles import Permission, may
from domain.sign_in import SignIn
from projections.principals.view import PrincipalRow, TokenHolder

KINDS = {"user": "Person", "courier": "Courier", "acme_client": "ACME client"}
TOKEN_STATES: dict[TokenStatus, tuple[str, str, str]] = {
    TokenStatus.ACTIVE: ("Active", "circle-check", "good"),
    TokenStatus.EXPIRED: ("Expired", "clock-exclamation", "quiet"),
    TokenStatus.REVOKED: ("Revoked", "circle-minus", "quiet"),
}
OWNER = Column("Owner")
TOKEN_COLUMNS = (
    Column("Name"),
    Column("Roles"),
    Column("State"),
    Column("Made (UTC)", wide=True),
    Column("Ends (UTC)"),
    Column("Last used (UTC)"),
    Column("Action"),
)
REVOKE: dict[str, Step[Token]] = {
    "revoke": Step(
        "Revoke the token",
        "It is refused from the next request on, and sessions that it opened end. This cannot be undone.",
        "Revoke",
        None,
        revoke_own_token,
        comment_label="Reason",
        admits=True,
    )
}


def steps_of(principal_id: UUID) -> dict[str, Step[Principal]]:
    """What can be done with a principal."""
    return {
        "disable": Step(
            "Disable",
            "They may do nothing any more, from the next request on: every token is revoked, every session and "
            "invitation ends. Their history stays, and they can be enabled again.",
            "Yes, disable",
            Permission.PRINCIPALS,
            disable_principal,
            comment_label="Reason",
            admits=True,
            words="Disable",
            fits=lambda found: not found.disabled,
            check=lambda found, meta: disabling.disable(found, meta, principal_id=principal_id, other_admins=True),
        ),
        "enable": Step(
            "Enable",
            "They may do again what their roles allow, with the password they had. Tokens stay revoked.",
            "Yes, enable",
            Permission.PRINCIPALS,
            enable_principal,
            comment_label="Reason",
            admits=True,
            words="Enable",
            fits=lambda found: found.disabled and found.erased_at is None,
        ),
    }


RELEASE: dict[str, Step[Principal]] = {
    "release-identity": Step(
        "Release the account at the provider",
        "The account at the identity provider that stands for them does so no longer: the next one that comes by their "
        "name is bound instead. Sessions that it opened go on.",
        "Release",
        Permission.PRINCIPALS,
        without_comment(release_identity),
        comment=False,
        admits=True,
        words="Release account at the provider",
    )
}


def state_words(state: Principal) -> tuple[str, str, str]:
    """Words, icon and tone."""
    if state.erased_at is not None:
        return "Erased", "user-off", "quiet"
    return ("Disabled", "user-off", "warn") if state.disabled else ("Active", "circle-check", "good")


def roles_words(roles: tuple[Role, ...] | None) -> str:
    """Of a token None: all that its owner holds."""
    if roles is None:
        return "all of the owner"
    return ", ".join(sorted(role.value for role in roles)) or "none"


def held_words(state: Principal) -> str:
    """Every role of a principal, those within scopes, too."""
    within = sorted(role_words(each.role.value, each.scope) for each in state.scoped)
    return ", ".join((*sorted(role.value for role in state.roles), *within)) or "none"


def principal_cells(row: PrincipalRow) -> tuple[Cell, ...]:
    """One principal of the list."""
    words, icon, tone = state_words(row.state)
    return (
        Cell(row.state.name, f"/people/{row.id}"),
        Cell(KINDS.get(row.state.kind, row.state.kind)),
        Cell(held_words(row.state)),
        Cell(words, icon=icon, tone=tone, detail=row.state.disabled_reason or ""),
        Cell("show", f"/tokens?principal_id={row.id}"),
    )


def token_cells(held: TokenHolder, viewer: Viewer, now: datetime, used: Mapping[UUID, datetime]) -> tuple[Cell, ...]:
    """One token, without its owner."""
    token, token_id = held.token.state, held.token.id
    status = token_status(token, now)
    words, icon, tone = TOKEN_STATES[status]
    own = viewer.id == str(token.principal_id)
    revocable = status is not TokenStatus.REVOKED and not viewer.past and (own or may(viewer.roles, Permission.TOKENS))
    button = Button("Revoke", f"/tokens/{token_id}/revoke", allowed=True)
    since = f"since {instant(token.revoked_at)} UTC" if token.revoked_at is not None else ""
    why = f"{since}: {token.revoked_reason}" if token.revoked_reason else since
    return (
        Cell(token.name),
        Cell(roles_words(token.roles)),
        Cell(words, icon=icon, tone=tone, detail=why),
        Cell(at=token.created_at),
        Cell(at=token.expires_at),
        Cell(at=used.get(token_id)),
        Cell(buttons=(button,) if revocable else ()),
    )


def principal_facts(row: PrincipalRow, now: datetime) -> tuple[Fact, ...]:
    """What is history of a principal."""
    state = row.state
    waits = [role_words(each.role.value, each.scope) for each in state.waiting(now)]
    why = f": {state.disabled_reason}" if state.disabled_reason else ""
    return (
        Fact("Kind", KINDS.get(state.kind, state.kind)),
        Fact("Roles", held_words(state)),
        *([Fact("Waits for approval", ", ".join(waits))] if waits else []),
        *([Fact("Disabled", f"{instant(state.disabled_at)} UTC{why}")] if state.disabled_at is not None else []),
        *([Fact("Erased", f"{instant(state.erased_at)} UTC")] if state.erased_at is not None else []),
        Fact("Id", str(row.id)),
    )


def _account(known: SignIn) -> str:
    """Which account at the provider stands for somebody."""
    if known.identity_bound_at is None:
        return "the first account that comes as this name"
    return f"by one account since {instant(known.identity_bound_at)} UTC"


def sign_in_facts(state: Principal, known: SignIn, reading: Reading) -> tuple[Fact, ...]:
    """How a person may sign in now."""
    if state.kind != "user" or state.disabled:
        return ()
    invitation, provider = known.invitation, reading.services.identity_provider
    waits = invitation is not None and invitation.expires_at > reading.now
    return (
        Fact("Password", f"set {instant(known.password_set_at)} UTC" if known.password_set_at else "none"),
        *([Fact("Invitation", f"waits until {instant(invitation.expires_at)} UTC")] if invitation and waits else []),
        *([Fact("Identity provider", f"{provider.label}, {_account(known)}")] if provider is not None else []),
    )
