"""What `certferry doctor` looks at: one finding each, whatever is broken."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from adapters.keys.key_source import MASTER_KEY, load_keys
from adapters.keys.master_key import CREDENTIAL, ENVIRONMENT, MasterKeyUnusable
from adapters.keys.rotating import SEALED_BY
from adapters.postgres.append_only import weaknesses
from adapters.postgres.connection import NotDurable, check_durable
from adapters.postgres.migrations import MigrationError, check_migrated
from adapters.postgres_ops import syslog_export
from adapters.sealing.watching import QUERY, state_of
from adapters.settings import Settings, SettingsRefused

_LAG = """
SELECT h.position - p.position, (SELECT count(*) FROM read.quarantined WHERE projection !~ '_history$')
FROM ledger.head h, read.position p
"""
_FOLLOWER = """
SELECT h.position - coalesce((SELECT position FROM ops.followers WHERE name = 'reactions'), 0) FROM ledger.head h
"""
_WORKERS = """
SELECT count(*) FROM procrastinate.procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)
"""
_TROUBLE = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE attempts >= 5 OR status = 'failed'"
_BRIDGES = """
SELECT count(*) FILTER (WHERE last_seen_at > now() - make_interval(secs => %s)), count(*) FROM ops.bridge_presence
"""


class Finding(NamedTuple):
    """One thing that was looked at."""

    name: str
    well: bool
    detail: str


async def diagnose(settings: Settings) -> list[Finding]:
    """Everything, in the order in which to mend it."""
    return await asyncio.to_thread(_diagnose, settings)


def _diagnose(settings: Settings) -> list[Finding]:
    found = [_master_key(settings)]
    try:
        with psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5) as connection:
            found.append(Finding("database", well=True, detail=f"PostgreSQL {connection.info.server_version // 10000}"))
            found += [_checked(name, check, connection, settings) for name, check in _CHECKS.items()]
    except (psycopg.OperationalError, SettingsRefused) as error:
        found.append(Finding("database", well=False, detail=str(error).strip()))
    return found


def _master_key(settings: Settings) -> Finding:
    path = settings.data / MASTER_KEY
    elsewhere = settings.vault.pkcs11_module or os.environ.get(ENVIRONMENT) or _credential().exists()
    if not elsewhere and not path.exists():
        return Finding("master key", well=True, detail=f"made at the first start, in {path}")
    try:
        keys = load_keys(settings)
    except (MasterKeyUnusable, OSError) as error:
        return Finding("master key", well=False, detail=str(error))
    former = f", {len(keys.former)} former" if keys.former else ""
    return Finding("master key", well=True, detail=f"{keys.current.key_id.hex()} from {keys.source}{former}")


def _credential() -> Path:
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / CREDENTIAL


def _vault(connection: psycopg.Connection[Any], settings: Settings) -> tuple[bool, str]:
    keys = load_keys(settings)
    known = {each.key_id for each in (keys.current, *keys.former)}
    sealed = {bytes(key_id): count for key_id, count in connection.execute(SEALED_BY.encode()).fetchall()}
    if lost := sum(count for key_id, count in sealed.items() if key_id not in known):
        return False, f"{lost} values are sealed by master keys that are not here"
    if former := sum(count for key_id, count in sealed.items() if key_id != keys.current.key_id):
        return False, f"{former} values are sealed by former master keys: run `certferry keys rotate`"
    return True, f"{sum(sealed.values())} values are sealed by the master key"


_Check = Callable[[Any, Settings], tuple[bool, str]]


def _checked(name: str, check: _Check, connection: psycopg.Connection[Any], settings: Settings) -> Finding:
    try:
        return Finding(name, *check(connection, settings))
    except (psycopg.Error, MigrationError, NotDurable, MasterKeyUnusable) as error:
        return Finding(name, well=False, detail=str(error).strip())


def _durability(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    check_durable(connection)
    return True, "the server keeps what it acknowledges"


def _append_only(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    found = weaknesses(connection)
    if found:
        return False, f"{'; '.join(found)}: let the service connect as certferry_app, which may append and no more"
    return True, "the service may append to the ledger, and change nothing in it"


def _schema(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    check_migrated(connection)
    return True, "all migrations applied"


def _row(connection: psycopg.Connection[Any], query: str, *parameters: object) -> tuple[Any, ...]:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return tuple(row)


def _workers(connection: psycopg.Connection[Any], settings: Settings) -> tuple[bool, str]:
    (alive,) = _row(connection, _WORKERS, settings.worker.stalled)
    return alive > 0, f"{alive} running" if alive else "none is running: start `certferry work`"


def _read_models(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    behind, quarantined = _row(connection, _LAG)
    well = behind < 1000 and quarantined == 0
    return well, f"{behind} events behind the ledger, {quarantined} streams in quarantine"


def _reactions(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    (behind,), (trouble,) = _row(connection, _FOLLOWER), _row(connection, _TROUBLE)
    return behind < 1000 and trouble == 0, f"{behind} events behind the ledger, {trouble} jobs keep failing"


def _sealing(connection: psycopg.Connection[Any], _: Settings) -> tuple[bool, str]:
    state = state_of(_row(connection, QUERY))
    if said := state.stopped or state.late or state.trouble:
        return False, said
    if not state.sealed and state.head:
        return False, "nothing was sealed yet: start `certferry seal`"
    return True, f"{state.sealed} of {state.head} events are sealed"


def _syslog(connection: psycopg.Connection[Any], settings: Settings) -> tuple[bool, str]:
    chosen = settings.syslog
    if not chosen.address:
        return True, "no receiver is set"
    row = connection.execute(syslog_export.QUERY, {"first": chosen.from_position}).fetchone()
    assert row is not None
    state = syslog_export.state_of(row, chosen.late_after)
    if state.error or state.late:
        return False, state.late or f"{state.failures} attempts failed, the last one with {state.error}"
    return True, f"{state.position} of {state.head} events are sent"


def _bridges(connection: psycopg.Connection[Any], settings: Settings) -> tuple[bool, str]:
    heard, known = _row(connection, _BRIDGES, settings.bridges.silent_after)
    return heard == known, f"{heard} of {known} heard of lately"


_CHECKS: dict[str, _Check] = {
    "vault": _vault,
    "durability": _durability,
    "schema": _schema,
    "append only": _append_only,
    "workers": _workers,
    "read models": _read_models,
    "reactions": _reactions,
    "sealing": _sealing,
    "syslog": _syslog,
    "bridges": _bridges,
}
