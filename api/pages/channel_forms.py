"""The editor of notification channels. A secret is written, never shown; an empty field keeps what is set."""

from typing import Any
from uuid import UUID

import msgspec

from api.answers import missing
from api.asking import Command, Reading
from api.pages.editing import Editor, Known, Upkeep, convert, handlers
from api.pages.fields import Field, Look, Raw, Section, choices, raw_of, value_of, written
from api.pages.policy_forms import NAME
from api.schemas.notification_channels import CreateNotificationChannelBody
from application.channelling import DescribeChannel, change_channel, create_channel, retire_channel
from application.house import Context
from domain.alert import AlertKind
from domain.notification_channel import ChannelKind
from domain.roles import Permission

_SECURITY = (("starttls", "STARTTLS, demanded"), ("tls", "TLS from the first byte"), ("none", "none"))
_CHANNEL = (
    NAME,
    Field("alert_kinds", "Tells of", Look.MANY, choices(AlertKind), "None of them: of every alert."),
    Field("daily_at", "Once a day at (UTC)", hint="HH:MM: one message a day with what is open then. Empty: at once."),
    Field("enabled", "Switched on", Look.SWITCH),
)
_SETTINGS = {
    ChannelKind.MAIL: (
        Field("host", "Mail server", required=True, hint="A host name or an address."),
        Field("port", "Port", Look.NUMBER, hint="Empty: 587."),
        Field("security", "Security", Look.ONE, _SECURITY),
        Field("username", "User name"),
        Field("from_address", "From", required=True),
        Field("to", "To", Look.LINES, hint="Mail addresses, one a line."),
        Field("ca_certificates_pem", "CAs to trust", Look.AREA, hint="PEM. Empty: those of the system."),
    ),
    ChannelKind.WEBHOOK: (Field("url", "Address", required=True, hint="https://... Messages are posted there."),),
}
_SECRETS = {ChannelKind.MAIL: ("password", "Password"), ChannelKind.WEBHOOK: ("signing_secret", "Signing secret")}
_FORMS = {ChannelKind.MAIL: "", ChannelKind.WEBHOOK: "whsec_ and the base64 of 24 to 64 bytes. "}
_FORGET = Field("forget", "Forget the secret that is set", Look.SWITCH)
_AT = ("settings.", "secrets.")


def _kind(raw: Raw) -> ChannelKind:
    """What the form is about."""
    return convert(raw("kind")[0] if raw("kind") else ChannelKind.MAIL.value, ChannelKind)


def _secret(kind: ChannelKind) -> Field:
    name, label = _SECRETS[kind]
    return Field(name, label, Look.SECRET, hint=f"{_FORMS[kind]}It is never shown. Empty: as it is.")


def _blank(asked: Raw) -> dict[str, tuple[str, ...]]:
    return {"kind": (_kind(asked).value,), **raw_of(_CHANNEL, {"enabled": True})}


async def _load(reading: Reading, channel_id: UUID) -> Known:
    found = await reading.views.notification_channels.get(channel_id)
    if found is None:
        raise missing("notification channel", channel_id)
    kind, terms = found.state.kind, found.state.terms
    raw = raw_of(_CHANNEL, msgspec.structs.asdict(terms)) | raw_of(_SETTINGS[kind], terms.settings, _AT[0])
    return Known(terms.name, found.version, raw | {"kind": (kind.value,)})


def _names(raw: Raw) -> list[str]:
    kind = _kind(raw)
    settings = [f"{_AT[0]}{each.name}" for each in _SETTINGS[kind]]
    return [*(each.name for each in _CHANNEL), *settings, f"{_AT[1]}{_SECRETS[kind][0]}"]


def _sections(raw: Raw, problems: dict[str, str]) -> list[Section]:
    kind = _kind(raw)
    return [
        Section("Channel", written(_CHANNEL, raw, problems)),
        Section(kind.value.capitalize(), written(_SETTINGS[kind], raw, problems, _AT[0])),
        Section("Secret", written((_secret(kind), _FORGET), raw, problems, _AT[1])),
    ]


async def _save(command: Command, context: Context, channel_id: UUID | None, raw: Raw) -> int:
    wish, kinds = _description(raw), command.services.channel_kinds
    if channel_id is None:
        return (await create_channel(command.house, context, kinds, wish)).position
    return (await change_channel(command.house, context, kinds, channel_id, wish)).position


def _description(raw: Raw) -> DescribeChannel:
    kind = _kind(raw)
    value: dict[str, Any] = {"kind": kind.value, **value_of(_CHANNEL, raw)}
    value["settings"] = value_of(_SETTINGS[kind], raw, _AT[0])
    secrets = value_of((_secret(kind),), raw, _AT[1])
    if secrets or raw(f"{_AT[1]}forget"):
        value["secrets"] = secrets
    body = convert(value, CreateNotificationChannelBody)
    return DescribeChannel(**{name: getattr(body, name) for name in body.__struct_fields__})


async def _retire(command: Command, context: Context, channel_id: UUID) -> int:
    return (await retire_channel(command.house, context, channel_id)).position


EDITOR = Editor(
    path="/notification-channels",
    words="notification channel",
    permission=Permission.CHANNELS,
    blank=_blank,
    names=_names,
    sections=_sections,
    save=_save,
    upkeep=Upkeep(_load, _retire, "It tells nobody of anything any more. Its history stays."),
)
HANDLERS = handlers(EDITOR)
