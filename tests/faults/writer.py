"""Somebody who goes on giving commands while things break, and remembers what was acknowledged."""

import threading
from collections import Counter
from types import TracebackType
from typing import Self

import httpx

from tests.support.demo import Demo

_NOT_NOW = (409, 503)  # in progress elsewhere, or the database is away


class Writer:
    """Registers target systems, each under an Idempotency-Key, and repeats those that were not acknowledged."""

    def __init__(self, demo: Demo, name: str) -> None:
        self._demo = demo
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.acknowledged: list[str] = []
        self.trouble: Counter[str] = Counter()
        self.refused: str | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, more: int) -> None:
        """Wait until so many more were acknowledged."""
        wanted = len(self.acknowledged) + more
        self._demo.until(lambda: self.refused or len(self.acknowledged) >= wanted, "commands to be acknowledged")
        assert self.refused is None, self.refused

    def found(self) -> Counter[str]:
        """How often each of ours is in the list of target systems."""
        names: Counter[str] = Counter()
        cursor: str | None = None
        while True:
            query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
            page = self._demo.person("auditor").get("/target-systems", **query)
            names.update(item["name"] for item in page["items"] if item["name"].startswith(f"{self._name}-"))
            cursor = page["next_cursor"]
            if cursor is None:
                return names

    def _write(self) -> None:
        ready, number = self._demo.ready, 0
        headers = {"authorization": f"Bearer {ready['tokens']['operator']}"}
        with httpx.Client(
            base_url=f"{ready['base_url']}/api/v1", headers=headers, timeout=20, trust_env=False
        ) as client:
            while not self._stop.is_set():
                if self._register(client, f"{self._name}-{number}", ready["bridge_id"]):
                    number += 1

    def _register(self, client: httpx.Client, name: str, bridge_id: str) -> bool:
        settings = {"transport": "local", "root": "/nowhere", "reload_profile": "web"}
        body = {"name": name, "kind": "nginx", "bridge_id": bridge_id, "settings": settings}
        try:
            answer = client.post("/target-systems", json=body, headers={"idempotency-key": name})
        except httpx.HTTPError as error:
            self.trouble[type(error).__name__] += 1
            return False
        if answer.status_code == 201:
            self.acknowledged.append(name)
            return True
        self.trouble[str(answer.status_code)] += 1
        if answer.status_code not in _NOT_NOW:
            self.refused = answer.text
            self._stop.set()
        return False
