"""`certferry seal`: the process that signs checkpoints over the ledger, and its keys."""

import signal
import threading
from pathlib import Path

import rich_click as click

from api.cli.printing import answer, answer_rows, json_option, pass_config, settings_of


@click.group(invoke_without_command=True)
@click.pass_context
def seal(context: click.Context) -> None:
    """Seal the ledger until SIGTERM or SIGINT: check what is new, sign checkpoints over it, send them out.

    A process of its own, so that the key is nowhere else: its settings name the sealer role's DSN (sealing.dsn) and the
    directory of the signing keys (sealing.keys).
    """
    if context.invoked_subcommand is not None:
        return
    from adapters.sealing.running import run_sealing
    from api.cli.logs import log_to_stderr

    settings = settings_of(context.obj)
    log_to_stderr(settings.log_level)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    run_sealing(settings, ended)


@seal.command("new-key")
@json_option
@pass_config
def new_key(config: Path | None, *, as_json: bool) -> None:
    """Make a further signing key. From the next checkpoint on it signs beside the old one, until that is retired."""
    from adapters.sealing.running import connect_as_sealer, ready_keyring

    settings = settings_of(config)
    with connect_as_sealer(settings) as connection:
        keyring = ready_keyring(settings, connection)
    made = keyring.make(keyring.signers()[0].key.name)
    answer({"vkey": str(made.key)}, f"{made.key}\nTell everybody who checks the ledger.", as_json=as_json)


@seal.command()
@click.argument("key_id")
@json_option
@pass_config
def retire(config: Path | None, key_id: str, *, as_json: bool) -> None:
    """Delete a signing key: the other ones sign alone from now on. KEY_ID is the middle part of its vkey."""
    from adapters.sealing.keyring import Keyring

    Keyring(settings_of(config).sealing.keys).retire(key_id)
    answer({"retired": key_id}, f"Retired {key_id}.", as_json=as_json)


@seal.command()
@json_option
@pass_config
def keys(config: Path | None, *, as_json: bool) -> None:
    """The keys that sign, newest first."""
    from adapters.sealing.keyring import Keyring

    found = Keyring(settings_of(config).sealing.keys).signers()
    answer_rows([{"vkey": str(signer.key)} for signer in found], as_json=as_json)
