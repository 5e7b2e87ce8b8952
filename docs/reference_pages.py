# noqa: INP001  (a script beside the pages, no package)
"""Reference pages that come from the program when the site is built: statuses, settings, problems, the REST API."""

import dataclasses
from collections.abc import Iterable, Mapping
from enum import StrEnum
from http import HTTPStatus
from inspect import cleandoc
from typing import Any, get_type_hints

import typed_settings as ts
from litestar.di import Provide

from adapters.settings import Settings
from api.app import API_HANDLERS, OTHER_HANDLERS
from api.asking import DEPENDENCIES
from api.mounting import LateApplication, Mounted, with_options
from api.openapi import describe
from api.problems import KINDS
from domain.certificate import CertificateStatus
from domain.certificate_order import OrderStatus
from domain.colour import MEANING, Colour
from domain.connector_events import SyncReason, SyncState, ValidationState
from domain.push_states import (
    RESOLUTIONS,
    STATUS_LABELS,
    DeploymentStatus,
    FailureCause,
    SupersededReason,
    WorkOrderStatus,
)
from domain.verification import ProbeResult

_STATUSES: tuple[tuple[type[StrEnum], Mapping[Any, str]], ...] = (
    (CertificateStatus, {}),
    (OrderStatus, {}),
    (WorkOrderStatus, STATUS_LABELS),
    (SupersededReason, {}),
    (DeploymentStatus, {}),
    (FailureCause, RESOLUTIONS),
    (SyncState, {}),
    (SyncReason, {}),
    (ValidationState, {}),
    (ProbeResult, {}),
    (Colour, MEANING),
)


_SETTINGS = """\
How they are given: [run the service](../how-to/run.md#settings). Each can stand in `certferry.toml`, in a file of the
directory of secrets, or in the environment.
"""
_PROBLEMS = """\
# Problems

What is refused is `application/problem+json` (RFC 9457). `type` is `/problems/` and one of these:
"""


def statuses() -> str:
    """Every status, cause and colour, with the words that people see or what to do about it."""
    parts = ["# Statuses\n", "As they stand in answers, filters and events; beside each what pages show of it.\n"]
    for kind, words in _STATUSES:
        rows = [(f"`{member.value}`", words.get(member, "")) for member in kind]
        parts += [f"## {_spaced(kind.__name__)}\n", f"{cleandoc(kind.__doc__ or '')}\n"]
        parts.append(_table(("value", "in words"), rows) if words else _list(value for value, _ in rows))
    return "\n".join(parts)


def settings() -> str:
    """Every setting with its default and its name in the environment."""
    top = [field for field in dataclasses.fields(Settings) if not _is_section(field)]
    parts = [
        "# Settings\n",
        _SETTINGS,
        _settings(Settings, "", top),
    ]
    for field in dataclasses.fields(Settings):
        if _is_section(field):
            kind: Any = get_type_hints(Settings)[field.name]
            parts += [f"## {field.name}\n", f"{cleandoc(kind.__doc__ or '')}\n"]
            parts.append(_settings(kind, f"{field.name}.", dataclasses.fields(kind)))
    return "\n".join(parts)


def problems() -> str:
    """Every type of problem (RFC 9457)."""
    rows = [
        (f"`{slug}`", f"{kind.status} {HTTPStatus(kind.status).phrase}", kind.title, kind.meaning)
        for slug, kind in sorted(KINDS.items())
    ]
    return f"{_PROBLEMS}\n{_table(('type', 'status', 'title', 'meaning'), rows)}"


def rest_api() -> str:
    """Every operation: path, parameters, answers."""
    document = describe(_application())
    shared = document["components"]["parameters"]
    parts = ["# REST API\n", document["info"]["description"], ""]
    for tag in document["tags"]:
        operations = [
            (verb, path, operation)
            for path, item in document["paths"].items()
            for verb, operation in item.items()
            if isinstance(operation, dict) and tag["name"] in operation.get("tags", ())
        ]
        parts += [f"## {tag['name']}\n", f"{tag['description']}\n"]
        parts += [_operation(verb, path, operation, shared) for verb, path, operation in operations]
    return "\n".join(parts)


PAGES = {
    "reference/statuses.md": statuses,
    "reference/settings.md": settings,
    "reference/problems.md": problems,
    "reference/api.md": rest_api,
}


def _application() -> LateApplication:
    """The routes of the API, with nothing behind them."""
    api = Mounted("/api/v1", route_handlers=with_options(API_HANDLERS))
    others = Mounted("/", route_handlers=with_options(OTHER_HANDLERS))
    services = Provide(lambda: None, sync_to_thread=False)
    return LateApplication([api, others], dependencies={"services": services, **DEPENDENCIES}, openapi_config=None)


def _operation(verb: str, path: str, operation: dict[str, Any], shared: dict[str, Any]) -> str:
    parameters = [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in operation.get("parameters", ())]
    answers = ", ".join(f"{status} {HTTPStatus(int(status)).phrase}" for status in operation["responses"])
    parts = [f"### {operation['summary']}\n", f"`{verb.upper()} {path}`\n", f"{operation.get('description', '')}\n"]
    if parameters:
        rows = [
            (f"`{p['name']}`", f"{p['in']}{', required' if p.get('required') else ''}", p.get("description", ""))
            for p in parameters
        ]
        parts.append(_table(("parameter", "in", "what it means"), rows))
    return "\n".join([*parts, f"Answers: {answers}.\n"])


def _is_section(field: dataclasses.Field[Any]) -> bool:
    return dataclasses.is_dataclass(get_type_hints(Settings)[field.name])


def _settings(kind: Any, prefix: str, fields: Iterable[dataclasses.Field[Any]]) -> str:
    rows = []
    given = kind()
    for field in fields:
        value = getattr(given, field.name)
        default = "" if isinstance(value, ts.SecretStr) else f"`{value!s}`" if value not in ("", ()) else ""
        name = f"{prefix}{field.name}"
        rows.append((f"`{name}`", default, f"`CERTFERRY_{name.upper().replace('.', '__')}`"))
    return _table(("setting", "default", "in the environment"), rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *(tuple(map(_cell, row)) for row in rows)]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), ""])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _list(values: Iterable[str]) -> str:
    return f"{', '.join(values)}.\n"


def _spaced(name: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip().capitalize()
