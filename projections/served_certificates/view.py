"""Served certificates: what did an endpoint serve before its current push?"""

from collections.abc import Sequence
from typing import Protocol

Place = tuple[str, str | None]
"""An endpoint (`10.0.0.1:443`) and the server name it is asked for, if any."""


class ServedCertificates(Protocol):
    """The one question of `mismatch_previous`."""

    async def served_before(self, places: Sequence[Place]) -> dict[Place, set[str]]:
        """Fingerprints first seen at each place before the last deployment there: seen by a verification, or deployed.

        What appeared only after that deployment is no previous certificate of the place, however often it was seen.
        """
        ...
