"""The record of a certificate: what it is, and every change of what is said about it, with its position."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from domain.certificate import Source
from domain.certificate_facts import CertificateFacts
from projections.scope import known


class Life(StrEnum):
    """What can happen to a certificate."""

    ISSUED = "issued"
    IMPORTED = "imported"
    DISCOVERED = "discovered"
    RENEWED = "renewed"
    OWNER_CHANGED = "owner_changed"
    TAGGED = "tagged"
    REVOKED = "revoked"


class CertificateFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, with the fields that it sets (`renewed_to` None: it is the successor of another one)."""

    change: Life
    position: int
    at: datetime
    provider: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    renewed_to: UUID | None = None
    reason: str | None = None


class CertificateRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A certificate and its changes, in the order of the ledger."""

    certificate: CertificateFacts
    facts: tuple[CertificateFact, ...]

    def known(self, position: int) -> "CertificateRecord":
        """As it was at a position, which is not before its first change."""
        return msgspec.structs.replace(self, facts=known(self.facts, position))

    @property
    def added(self) -> CertificateFact:
        """How it came to the inventory."""
        return self.facts[0]

    @property
    def revoked(self) -> CertificateFact | None:
        """Its revocation."""
        return next((fact for fact in self.facts if fact.change is Life.REVOKED), None)

    @property
    def renewed(self) -> CertificateFact | None:
        """Its replacement by a successor."""
        return next((fact for fact in reversed(self.facts) if fact.renewed_to is not None), None)

    @property
    def source(self) -> Source:
        """Managed as soon as it was issued or imported."""
        found = any(fact.change in (Life.ISSUED, Life.IMPORTED) for fact in self.facts)
        return Source.MANAGED if found else Source.DISCOVERED

    @property
    def provider(self) -> str | None:
        """Who issued it, where that was ordered here."""
        return next((fact.provider for fact in self.facts if fact.provider is not None), None)

    @property
    def owner(self) -> str | None:
        """Its owner: the last one set; an import without an owner keeps the one there was."""
        owner: str | None = None
        for fact in self.facts:
            if fact.change is Life.OWNER_CHANGED or fact.owner is not None:
                owner = fact.owner
        return owner

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags: the last set of them; an import without tags keeps those there were."""
        tags: tuple[str, ...] = ()
        for fact in self.facts:
            if fact.change is Life.TAGGED or fact.tags:
                tags = fact.tags
        return tags
