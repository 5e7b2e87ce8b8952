"""Processes that carry one ACME order each and are killed at a step of it (test_kill_nine.py runs this program).

Steps are all calls of the vault and all requests to the CA, once before and once after each. Reads its task as JSON
from standard input, writes what became of the processes to standard output. They are forked, so each starts at once.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
from psycopg_pool import AsyncConnectionPool

from adapters.issuers.acme import client
from adapters.issuers.acme.orders import AcmeOrders, AcmeTools
from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings
from adapters.issuers.requesting import Requesting
from adapters.keys.generating import generate_key
from adapters.keys.master_key import MasterKey
from adapters.keys.postgres_vault import PostgresVault
from adapters.keys.vault import Envelope
from adapters.x509.reader import X509Reader
from adapters.x509.requests import read_request
from domain.certificate_order import OrderParameters, Provider
from tests.contracts.orders_contract import answered

PROVIDER_ID = UUID(int=7)
TOGETHER = 4


class Life:
    """So many steps, then kill -9."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


class MortalVault(PostgresVault):
    """The vault of a process with so many steps to live."""

    def __init__(self, pool: AsyncConnectionPool[Any], life: Life) -> None:
        super().__init__(pool, Envelope(MasterKey(bytes(32))))
        self._life = life

    async def keep_first(self, owner_id: UUID, name: str, value: bytes) -> bytes:
        self._life.step()
        kept = await super().keep_first(owner_id, name, value)
        self._life.step()
        return kept


class Carrier:
    """Carries orders through the CA of a task."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task = task
        chosen: dict[str, Any] = task["settings"]
        self._settings = AcmeSettings(**chosen)

    def child(self, number: int, steps: int) -> int:
        """A process for order `number`; its id."""
        if (pid := os.fork()) == 0:
            status = 1
            try:
                asyncio.run(self._carry(number, Life(steps)))
                status = 0
            finally:
                os._exit(status)
        return pid

    def together(self, lives: list[tuple[int, int]]) -> list[int]:
        """Several (number, steps); how each ended, negative for the signal."""
        ends: list[int] = []
        for start in range(0, len(lives), TOGETHER):
            pids = [self.child(*life) for life in lives[start : start + TOGETHER]]
            ends += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        return ends

    async def _carry(self, number: int, life: Life) -> None:
        sending = client._Network._send_request

        def send(network: Any, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
            life.step()
            response = sending(network, method, url, *args, **kwargs)
            life.step()
            return response

        client._Network._send_request = send  # type: ignore[method-assign,assignment] # this process only
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(self._task["dsn"], min_size=1, max_size=2, open=False)
        async with pool:
            vault = MortalVault(pool, life)
            tools = AcmeTools(
                store=vault,
                requesting=Requesting(generate_key, read_request, vault),
                reader=X509Reader(),
                clock=lambda: datetime.now(UTC),
                tokens=None,  # type: ignore[arg-type] # files show what there is
                webroot=Path(self._task["webroot"]),
            )
            issuer = AcmeOrders(PROVIDER_ID, self._settings, AcmeSecrets(), tools)
            wish = OrderParameters(provider=Provider.ACME, common_name=f"o{number}.example.org", validity_days=30)
            issued = await answered(issuer, UUID(int=1_000 + number), wish)
        found = Path(self._task["found"]) / f"{number}"
        found.write_text(issued.leaf.facts.serial_number)


def main() -> None:
    task = json.load(sys.stdin)
    carrier = Carrier(task)
    lives = [(number, steps) for number, steps in enumerate(task["steps"])]
    killed = carrier.together(lives)
    finished = carrier.together([(number, -1) for number, _ in lives])
    json.dump({"killed": killed, "finished": finished}, sys.stdout)


if __name__ == "__main__":
    main()
