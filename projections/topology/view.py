"""Topology: where is this certificate, behind which bridges, and how does it stand there?"""

from typing import Protocol
from uuid import UUID

import msgspec

from domain.bridge import Bridge
from domain.certificate import Certificate
from projections.connectors.view import ConnectorNode
from projections.rows import Row


class CertificateTopology(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate, the bridges it is reached through (by name), and all its connectors, removed ones too (by bridge
    name, then target name, profile and id). Colours follow from these and the clock (domain.colour).
    """

    certificate: Row[Certificate]
    bridges: tuple[Row[Bridge], ...]
    connectors: tuple[ConnectorNode, ...]


class Topology(Protocol):
    """The one question of the topology view."""

    async def of_certificate(self, certificate_id: UUID) -> CertificateTopology | None:
        """Everything about one certificate, in one statement; None where there is no such certificate."""
        ...
