"""The sealing process: turn after turn, until it is told to end."""

import logging
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from adapters.postgres.connection import check_durable
from adapters.postgres.migrations import check_migrated
from adapters.sealing import checkpoints
from adapters.sealing.checkpoint_file import check_against
from adapters.sealing.checkpoints import SealingStopped
from adapters.sealing.keyring import Keyring, KeyringUnusable
from adapters.sealing.leaves import Mismatch
from adapters.sealing.outlets import Outlet, outlets_of
from adapters.sealing.sealer import Sealer
from adapters.sealing.self_check import SelfCheck
from adapters.settings import Settings

_RECONNECT_SECONDS = 2.0
_log = logging.getLogger("certferry.seal")


def run_sealing(settings: Settings, ended: threading.Event) -> None:
    """Until `ended` is set. Raises KeyringUnusable, LedgerContradicted and what else forbids to begin."""
    begun = False
    while not ended.is_set():
        try:
            with connect_as_sealer(settings) as connection:
                process = _Process(settings, connection)
                begun = True
                process.run(ended)
        except psycopg.OperationalError as error:
            if not begun:
                raise
            _log.warning("the database does not answer: %s", type(error).__name__)
            ended.wait(_RECONNECT_SECONDS)


def connect_as_sealer(settings: Settings) -> Connection[Any]:
    """An autocommitting connection of the sealer's role. Raises psycopg.OperationalError."""
    return psycopg.connect(
        settings.sealer_dsn, autocommit=True, connect_timeout=5, application_name="certferry seal", keepalives_idle=10
    )


def ready_keyring(settings: Settings, connection: Connection[Any]) -> Keyring:
    """The keys; the first one is made where the ledger was never sealed. Raises KeyringUnusable."""
    keyring = Keyring(settings.sealing.keys)
    if keyring.signers():
        return keyring
    known = checkpoints.keys(connection)
    if known:
        names = ", ".join(key.vkey for key in known if key.until is None)
        raise KeyringUnusable(f"{settings.sealing.keys} holds no key, but the ledger is sealed with {names}")
    made = keyring.make(settings.sealing.origin or f"{socket.getfqdn()}/certferry")
    _log.info("made the first key: %s", made.key)
    return keyring


class _Process:
    """What one connection serves."""

    def __init__(self, settings: Settings, connection: Connection[Any]) -> None:
        chosen = settings.sealing
        check_migrated(connection)
        check_durable(connection)
        if chosen.checkpoint_file:
            check_against(connection, Path(chosen.checkpoint_file))
        self._connection = connection
        self._every = chosen.every
        self._sealer = Sealer(connection, ready_keyring(settings, connection))
        self._outlets: Sequence[Outlet] = outlets_of(chosen, connection)
        self._self_check = SelfCheck(connection, chosen.check_every)
        self._said: str | None = None

    def run(self, ended: threading.Event) -> None:
        """Turns, with a pause after each that found nothing more to do."""
        while not ended.is_set():
            if not self._turn():
                ended.wait(self._every)

    def _turn(self) -> bool:
        """Is there more to do at once?"""
        try:
            turn = self._sealer.turn()
            if turn.sealed:
                _log.debug("sealed %d events", turn.sealed.size)
            if not turn.more:
                self._send_and_check()
        except SealingStopped as stopped:
            self._tell(f"sealing is stopped: {stopped}")
            return False
        except KeyringUnusable as error:
            self._tell(str(error))
            return False
        self._said = None
        return turn.more

    def _send_and_check(self) -> None:
        latest = checkpoints.latest(self._connection)
        assert latest is not None, "a turn without checkpoints makes one"
        troubles = [trouble for outlet in self._outlets if (trouble := outlet.offer(latest))]
        try:
            self._self_check.step(latest.size, "; ".join(troubles) or None)
        except Mismatch as mismatch:
            checkpoints.stop(self._connection, mismatch.position, str(mismatch))
            raise SealingStopped(str(mismatch)) from mismatch

    def _tell(self, sentence: str) -> None:
        if sentence != self._said:
            _log.error("%s", sentence)
        self._said = sentence
