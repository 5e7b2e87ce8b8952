"""`certferry providers`: CAs outside that orders can go through."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import rich_click as click

from api.cli.printing import WRONG_USE, Stopped, answer, answer_rows, json_option, pass_config, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from domain.provider import RegisteredProvider


@click.group()
def providers() -> None:
    """List, add, show and retire providers (ACME, External CA); Local PKI is built in."""


@providers.command("list")
@json_option
@pass_config
def list_providers(config: Path | None, *, as_json: bool) -> None:
    """All providers, by name."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        async for batch in core.views.providers.stream():
            for row in batch:
                shown = _shown(row.id, row.state)
                rows.append({name: shown[name] for name in ("id", "name", "provider", "retired")})
        return rows

    answer_rows(with_core(config, act), as_json=as_json)


@providers.command()
@click.argument("provider", type=click.Choice(["acme", "external_ca"]))
@click.argument("name")
@click.option("--settings", "settings", type=click.File(), required=True, help="A file of settings, JSON (-: stdin).")
@click.option("--secrets", "secrets", type=click.File(), help="A file of secrets, JSON. They are sealed.")
@json_option
@pass_config
def add(
    config: Path | None, provider: str, name: str, settings: TextIO, secrets: TextIO | None, *, as_json: bool
) -> None:
    """A new provider of the kind PROVIDER called NAME."""
    said = _object(settings, "settings")
    kept = {key: str(value) for key, value in _object(secrets, "secrets").items()} if secrets is not None else None

    async def act(core: "Core") -> dict[str, Any]:
        from api.cli.acting import by_hand
        from application.providing import DescribeProvider, register_provider
        from domain.certificate_order import Provider

        wish = DescribeProvider(provider=Provider(provider), name=name, settings=said, secrets=kept)
        made = (await register_provider(core.house, by_hand(core.house), core.provider_kinds, wish)).result
        return _shown(made.id, made.found)

    found = with_core(config, act)
    answer(found, f"{name} is {found['id']}.", as_json=as_json)


@providers.command()
@click.argument("provider_id", type=click.UUID)
@json_option
@pass_config
def show(config: Path | None, provider_id: UUID, *, as_json: bool) -> None:
    """Everything about PROVIDER_ID but its secrets, whose names are shown."""

    async def act(core: "Core") -> dict[str, Any]:
        from application.house import load
        from domain.provider import PROVIDER

        return _shown(provider_id, (await load(core.house, PROVIDER, provider_id)).found)

    found = with_core(config, act)
    answer(found, "\n".join(f"{name}: {_words(value)}" for name, value in found.items()), as_json=as_json)


@providers.command()
@click.argument("provider_id", type=click.UUID)
@json_option
@pass_config
def retire(config: Path | None, provider_id: UUID, *, as_json: bool) -> None:
    """PROVIDER_ID takes no new orders any more; those under way come to their end."""

    async def act(core: "Core") -> None:
        from api.cli.acting import by_hand
        from application.providing import retire_provider

        await retire_provider(core.house, by_hand(core.house), provider_id)

    with_core(config, act)
    answer({"retired": str(provider_id)}, f"{provider_id} is retired.", as_json=as_json)


def _object(file: TextIO, what: str) -> dict[str, Any]:
    """The JSON object of a file. What is wrong is said without the text: it may be a secret."""
    try:
        found = json.load(file)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Stopped(f"The file of {what} holds no JSON object.", WRONG_USE)
    return found


def _shown(provider_id: UUID, state: "RegisteredProvider") -> dict[str, Any]:
    return {
        "id": str(provider_id),
        "name": state.name,
        "provider": state.provider.value,
        "settings": state.settings,
        "secrets_set": list(state.secrets_set),
        "retired": state.retired,
    }


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
