"""http-01: the service shows it itself, or files in the root of a web server do (RFC 8555, 8.3)."""

import asyncio
import contextlib
import re
import secrets
from pathlib import Path
from typing import Protocol

from adapters.issuers.acme.solvers import Challenge

WELL_KNOWN = Path(".well-known/acme-challenge")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)


class ShownTokens(Protocol):
    """Where every process of the service finds what is to be shown."""

    async def show(self, token: str, value: str) -> None:
        """Show it from now on."""
        ...

    async def hide(self, token: str) -> None:
        """Show it no longer."""
        ...


class ServiceSolver:
    """The service answers at /.well-known/acme-challenge/; port 80 of the names must lead to it."""

    def __init__(self, tokens: ShownTokens) -> None:
        self._tokens = tokens

    async def present(self, challenge: Challenge) -> None:
        """See Solver.present."""
        await self._tokens.show(challenge.token, challenge.value)

    async def settled(self) -> None:
        """Every process looks at the same table."""

    async def clean_up(self, challenge: Challenge) -> None:
        """See Solver.clean_up."""
        await self._tokens.hide(challenge.token)


class WebrootSolver:
    """Files below a directory that a web server serves on port 80 of the names."""

    def __init__(self, root: Path) -> None:
        self._root = root / WELL_KNOWN

    async def present(self, challenge: Challenge) -> None:
        """See Solver.present."""
        await asyncio.to_thread(self._write, challenge)

    async def settled(self) -> None:
        """A file is there at once."""

    async def clean_up(self, challenge: Challenge) -> None:
        """See Solver.clean_up."""
        with contextlib.suppress(OSError):
            self._file(challenge).unlink(missing_ok=True)

    def _write(self, challenge: Challenge) -> None:
        """At once: the CA may be reading what another worker has put there for the same challenge."""
        self._root.mkdir(parents=True, exist_ok=True)
        file = self._file(challenge)
        fresh = file.with_name(f".{secrets.token_hex(8)}.new")
        try:
            fresh.write_text(challenge.value, encoding="ascii")
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)

    def _file(self, challenge: Challenge) -> Path:
        """The CA chooses the token: what is no plain file name never becomes a path."""
        if not _TOKEN.fullmatch(challenge.token):
            raise ValueError("the CA's token is not base64url")
        return self._root / challenge.token
