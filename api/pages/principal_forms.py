"""The forms of people and programs: a new one, and which roles one holds. A name is never changed."""

from uuid import UUID

from api.answers import missing
from api.asking import Command, Reading
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.policy_forms import NAME
from api.pages.principal_words import KINDS
from api.pages.steps import WAIT_SECONDS
from api.schemas.principals import CreatePrincipalBody, ScopeIn
from application.administering import create_principal
from application.granting import set_roles
from application.house import Context
from domain.errors import Code, Refused
from domain.role_grant import WITHOUT_SCOPE, Role, ScopedRole
from domain.role_scope import scope_of
from domain.roles import Permission

SORT = Field("sort", "Kind", Look.ONE, tuple(KINDS.items()), "Programs come with a token; people can be invited, too.")
ROLES = Field(
    "roles",
    "Roles",
    Look.MANY,
    choices(Role),
    "They add up, and count from the next request on; approver and implementer once a second person has approved them.",
)


LIMITED = Field(
    "limited",
    "Role",
    Look.ONE,
    (("", "none"), *((role.value, role.value) for role in Role if role not in WITHOUT_SCOPE)),
    "It counts for what bears one of the tags below, beside the roles above. It is taken on the page of the person.",
)
CERTIFICATE_TAGS = Field(
    "certificate_tags", "Tags of the certificate", Look.LINES, hint="One a line. Empty: whatever its tags."
)
TARGET_TAGS = Field(
    "target_tags", "Tags of the target system", Look.LINES, hint="One a line. Empty: whatever its tags."
)
WITHIN = (LIMITED, CERTIFICATE_TAGS, TARGET_TAGS)


def _fields(raw: Raw) -> tuple[Field, ...]:
    """Of a new one all; the form of one that is known has no name in it."""
    return (NAME, SORT, ROLES) if raw("name") else (ROLES, *WITHIN)


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    return raw_of((NAME, SORT, ROLES), {"name": "", "sort": "user"})


def _names(raw: Raw) -> list[str]:
    return [each.name for each in _fields(raw)]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    if raw("name"):
        return [Section("Who they are and what they may do", written(_fields(raw), raw, problems))]
    return [
        Section("What they may do everywhere", written((ROLES,), raw, problems)),
        Section("One more role, for certain tags", written(WITHIN, raw, problems)),
    ]


async def _save(command: Command, context: Context, principal_id: UUID | None, raw: Raw) -> int:
    await command.caught_up()
    value = value_of((NAME, SORT, ROLES) if principal_id is None else (ROLES,), raw)
    value["kind"] = value.pop("sort", "user")
    body = convert({"name": "as it is"} | value, CreatePrincipalBody)
    if principal_id is None:
        done = await create_principal(command.house, context, body.name, body.roles, body.kind)
    else:
        done = await set_roles(command.house, context, principal_id, frozenset(body.roles), _within(raw))
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    return done.position


def _within(raw: Raw) -> ScopedRole | None:
    """The role that is wished for within a scope. Raises Refused at the field to blame."""
    value = value_of(WITHIN, raw)
    tags = {each.name: value[each.name] for each in (CERTIFICATE_TAGS, TARGET_TAGS)}
    if "limited" not in value:
        if any(tags.values()):
            raise Refused(Code.VALIDATION_FAILED, "Choose the role that these tags limit.", pointer="/limited")
        return None
    scope = convert(tags, ScopeIn)
    if not any(tags.values()):
        raise Refused(Code.VALIDATION_FAILED, "Name at least one tag, here or below.", pointer="/certificate_tags")
    return ScopedRole(convert(value["limited"], Role), scope_of(scope.certificate_tags, scope.target_tags))


async def _load(reading: Reading, principal_id: UUID) -> Known:
    row = await reading.views.principals.get(principal_id)
    if row is None:
        raise missing("principal", principal_id)
    meant = (*row.state.roles, *(each.role for each in row.state.waiting(reading.now) if each.scope is None))
    return Known(f"Roles of {row.state.name}", row.version, raw_of((ROLES,), {"roles": meant}))


EDITOR = Editor(
    path="/people",
    words="person or program",
    permission=Permission.PRINCIPALS,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, page=True),
)
HANDLERS = handlers(EDITOR)
