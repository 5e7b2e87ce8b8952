"""`certferry-bridge`: enrol a bridge, run it, try a target of its configuration.

Exit status: 0 done, 1 it did not work (a repetition may), 2 wrong use or configuration.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import rich_click as click

from bridge.version import VERSION

TOKEN_VARIABLE = "CERTFERRY_BRIDGE_TOKEN"  # noqa: S105 # the variable's name

_STATE = click.option(
    "--state",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("/var/lib/certferry-bridge"),
    show_default=True,
    help="Directory for the bridge's keys and journal, 0700.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="certferry-bridge")
def main() -> None:
    """The agent near the targets: takes certificates from the control plane and installs them."""


@main.command()
@click.option("--url", required=True, help="The control plane's bridge listener: https://host:port")
@click.option(
    "--token-file",
    type=click.File("r"),
    help=f"File with the one-time token, - for standard input. Without it, {TOKEN_VARIABLE} is used.",
)
@click.option("--ca-pin", required=True, help="SHA-256 of the Bridge CA's certificate, hexadecimal.")
@click.option("--replace", is_flag=True, help="Forget an earlier enrolment of this state directory.")
@_STATE
@_JSON
def enrol(url: str, token_file: Any, ca_pin: str, directory: Path, *, replace: bool, as_json: bool) -> None:
    """Exchange a one-time token for this bridge's own certificate. The token is never an argument: others see those."""
    from bridge import enrolment, state
    from bridge.tls import ServerRefused, check_pin, check_url

    token = (token_file.read() if token_file else os.environ.get(TOKEN_VARIABLE, "")).strip()
    if not token:
        _stop(2, f"No token: give --token-file, or set {TOKEN_VARIABLE}.")
    try:
        check_url(url)
        pin = check_pin(ca_pin)
        with state.locked(state.open_state(directory)):
            _make_room(directory, replace=replace)
            identity = enrolment.enrol(directory, url, token, pin)
    except (ValueError, state.StateRefused) as error:
        _stop(2, str(error))
    except (enrolment.EnrolmentFailed, ServerRefused) as error:
        _stop(1, str(error))
    shown = enrolment.fingerprint(directory)
    people = (
        f"Enrolled as {identity.name} ({identity.bridge_id}). It gets work once a second person approves it.\n"
        f"SHA-256 of its certificate, for whoever approves it: {shown}"
    )
    machine = {**msgspec.to_builtins(identity), "certificate_fingerprint_sha256": shown}
    _answer(machine, people, as_json=as_json)


def _make_room(directory: Path, *, replace: bool) -> None:
    from bridge import enrolment, state

    if replace:
        enrolment.forget(directory)
    elif (directory / state.IDENTITY).exists():
        raise state.StateRefused(f"{directory} holds an enrolled bridge already. Add --replace to enrol it anew.")


@main.command()
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="What this host allows. Default: bridge.toml in the state directory, if there is one.",
)
@_STATE
def run(config_file: Path | None, directory: Path) -> None:
    """Ask the control plane for work and do it, until SIGTERM or SIGINT. Logs JSON lines to standard error."""
    from bridge import running
    from bridge.config import Config, ConfigRefused, read_config
    from bridge.logs import log_to_stderr
    from bridge.state import StateRefused

    log_to_stderr()
    beside = directory / "bridge.toml"
    path = config_file or (beside if beside.exists() else None)
    try:
        asyncio.run(running.run(directory, read_config(path) if path else Config()))
    except (ConfigRefused, StateRefused) as error:
        _stop(2, str(error))


@main.command()
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), required=True, help="A bridge.toml with [targets.NAME]."
)
@click.option("--target", "names", multiple=True, help="Only this target (repeatable). Default: all of them.")
@_JSON
def test(config_file: Path, names: tuple[str, ...], *, as_json: bool) -> None:
    """Try targets of the configuration without a control plane: reach, write, test, read back. Nothing changes."""
    from bridge.config import ConfigRefused, read_config
    from bridge.trying import try_target

    try:
        config = read_config(config_file)
        chosen = {name: config.targets[name] for name in names or config.targets}
    except ConfigRefused as error:
        _stop(2, str(error))
    except KeyError as error:
        _stop(2, f"The configuration {config_file} has no [targets.{error.args[0]}].")
    if not chosen:
        _stop(2, f"The configuration {config_file} has no [targets.NAME] to try.")
    tried = {name: asyncio.run(try_target(target, config)) for name, target in chosen.items()}
    lines = [f"{name}: {each.outcome}: {each.message}" for name, each in tried.items()]
    _answer({"targets": msgspec.to_builtins(tried)}, "\n".join(lines), as_json=as_json)
    sys.exit(0 if all(each.outcome == "success" for each in tried.values()) else 1)


def _answer(machine: dict[str, Any], people: str, *, as_json: bool) -> None:
    print(msgspec.json.encode(machine).decode() if as_json else people)


def _stop(status: int, sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    sys.exit(status)
