"""How commands answer: tables and sentences for people, JSON for programs, one sentence and a status for failures."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import rich_click as click

if TYPE_CHECKING:
    from adapters.bootstrap import Core
    from adapters.settings import Settings

T = TypeVar("T")
FAILED, WRONG_USE, DAMAGED = 1, 2, 3

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
pass_config = click.pass_obj


class Stopped(Exception):
    """The command ends with a sentence on standard error and a status."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


def run_command(command: click.Command) -> NoReturn:
    """Run the command line; every expected failure is one sentence, never a traceback."""
    try:
        command(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(FAILED)
    except Stopped as stopped:
        _say(str(stopped))
        sys.exit(stopped.status)
    except Exception as error:
        status = _expected(error)
        if status is None:
            raise
        _say(_sentence(error))
        sys.exit(status)
    sys.exit(0)


def _expected(error: Exception) -> int | None:
    """The status of a failure that has a sentence of its own; None for a mistake of ours."""
    import psycopg

    from adapters.bootstrap import UNBUILT
    from adapters.keys.authorities import KeysElsewhere
    from adapters.keys.master_key import MasterKeyUnusable
    from adapters.postgres.connection import NotDurable
    from adapters.postgres.migrations import MigrationError
    from adapters.sealing.checkpoint_file import LedgerContradicted
    from adapters.sealing.keyring import KeyringUnusable
    from adapters.settings import SettingsRefused
    from application.ports import LogUnavailable
    from domain.errors import Refused

    if isinstance(error, SettingsRefused):
        return WRONG_USE
    if isinstance(error, LedgerContradicted):
        return DAMAGED
    known = (
        Refused,
        LogUnavailable,
        MasterKeyUnusable,
        KeysElsewhere,
        KeyringUnusable,
        MigrationError,
        NotDurable,
        *UNBUILT,
    )
    return FAILED if isinstance(error, (*known, psycopg.OperationalError)) else None


def _sentence(error: Exception) -> str:
    from adapters.bootstrap import UNBUILT

    if isinstance(error, UNBUILT):
        return "The read models are not there yet: `certferry work` makes them."
    return str(error)


def settings_of(config: Path | None) -> "Settings":
    """The settings of this command."""
    from adapters.settings import load_settings

    return load_settings(config)


def with_core(config: Path | None, act: "Callable[[Core], Coroutine[Any, Any, T]]") -> T:
    """Run a use case on everything that a process of the service has."""
    from adapters.bootstrap import open_core

    async def opened() -> T:
        async with open_core(settings_of(config)) as core:
            return await act(core)

    return asyncio.run(opened())


def answer(found: Any, people: str, *, as_json: bool) -> None:
    """One answer."""
    click.echo(json.dumps(found, indent=2, default=str) if as_json else people)


def answer_rows(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """A list of things with the same fields."""
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in rows[0] if rows else ("nothing",):
        table.add_column(name, overflow="fold")  # an id that is cut off is no use to anybody
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


@contextlib.contextmanager
def progress(doing: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A bar on a terminal, nothing elsewhere; call what you get with how far it is, and a changed total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(doing, total=total)
        yield lambda completed, total=None: bar.update(task, completed=completed, total=total)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
