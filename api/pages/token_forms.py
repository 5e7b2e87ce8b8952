"""The form that makes an API token; its text is shown once, afterwards."""

from uuid import UUID

from api.asking import Command
from api.pages.editing import Editor, Made, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.steps import WAIT_SECONDS
from api.schemas.principals import CreateTokenBody
from application.administering import create_token
from application.house import Context
from domain.errors import Code, Refused
from domain.role_grant import Role
from domain.roles import Permission

FIELDS = (
    Field("owner", "Owner", hint="The name of a person or a program, or an id.", required=True),
    Field("name", "What it is for", hint="A label, as ci or backup of web-1.", required=True),
    Field("roles", "Roles", Look.MANY, choices(Role), "None of them: all that the owner holds at the time of use."),
    Field("days", "Days it lasts", Look.NUMBER, hint="1 to 366. Empty: as long as the service's settings say."),
)


def _blank(_: Raw) -> dict[str, tuple[str, ...]]:
    return raw_of(FIELDS, {})


def _names(_: Raw) -> list[str]:
    return [each.name for each in FIELDS]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    return [Section("The token", written(FIELDS, raw, problems))]


async def _save(command: Command, context: Context, _: UUID | None, raw: Raw) -> Made:
    value = value_of(FIELDS, raw)
    owner = value.pop("owner")
    body = convert(value | {"principal_id": str(await _owner(command, owner))}, CreateTokenBody)
    roles = body.roles or None
    done = await create_token(command.house, context, body.principal_id, body.name, days=body.days, roles=roles)
    await command.services.directory.reached(done.position, WAIT_SECONDS)
    values = {
        "title": "The new token",
        "lead": f"Copy the token “{body.name}” of {owner} now, to where it is needed.",
        "label": "Token",
        "secret": done.result.text,
        "expires_at": done.result.token.found.expires_at,
        "back": "/tokens",
    }
    return Made(done.position, "once.html", values)


async def _owner(command: Command, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        found = await command.house.texts.id_of(text) if text else None
    if found is None:
        raise Refused(Code.VALIDATION_FAILED, "Nobody is called that.", pointer="/owner")
    return found


EDITOR = Editor(
    path="/tokens",
    words="token",
    permission=Permission.TOKENS,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    named="owner",
)
HANDLERS = handlers(EDITOR)
