"""The Push Validation Report in small, for one certificate: how many endpoints serve what was pushed."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from api.pages.history_address import history_of
from api.pages.words import FINDINGS, instant, plural
from domain.connector import EndpointValidation
from domain.role_grant import Role
from projections.connectors.view import ConnectorNode
from projections.push_validation.view import PushOperation, PushOutcome


class Part(NamedTuple):
    """A stretch of the bar, in units of a drawing 1000 wide."""

    start: float
    width: float
    fill: str
    swatch: str
    words: str
    number: int


class Finding(NamedTuple):
    """An endpoint that does not serve what it should."""

    connector_id: UUID
    name: str
    endpoint: str
    history: str
    words: str
    detail: str


class ReportCard(NamedTuple):
    """Proportion of pushes that succeeded, and what is wrong now."""

    words: str
    total: int
    percent: int
    sentence: str
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]
    may_verify: bool


_SHOWN = (
    (PushOutcome.SUCCESSFUL, "Successful", "var(--c-green)", "green"),
    (PushOutcome.FAILED, "Failed", "url(#hatch)", "red"),
    (PushOutcome.UNREACHABLE, "Unreachable", "var(--c-gray)", "gray"),
)


def report_card(
    operations: Sequence[PushOperation], nodes: Sequence[ConnectorNode], roles: frozenset[Role]
) -> ReportCard:
    """The card from the certificate's push operations and its connectors."""
    counts = [sum(1 for op in operations if op.outcome is outcome) for outcome, *_ in _SHOWN]
    total = sum(counts)
    return ReportCard(
        words=_checked(nodes),
        total=total,
        percent=round(100 * counts[0] / total) if total else 0,
        sentence=f"{counts[0]} of {total} pushes succeeded and are served as pushed",
        parts=tuple(_parts(counts, total)),
        findings=tuple(_findings(nodes)),
        may_verify=Role.OPERATOR in roles,
    )


def _checked(nodes: Sequence[ConnectorNode]) -> str:
    checked = [v.checked_at for node in nodes for v in node.connector.state.validation if v.checked_at is not None]
    endpoints = sum(len(node.connector.state.endpoints) for node in nodes if node.connector.state.associated)
    if not checked:
        return f"No HTTPS verification result yet for {plural(endpoints, 'IP:port')}."
    return (
        f"Served certificate compared with the expected one on {plural(endpoints, 'IP:port')}. "
        f"Last change seen {instant(max(checked))} UTC."
    )


def _parts(counts: Sequence[int], total: int) -> list[Part]:
    parts: list[Part] = []
    start = 0.0
    for (_, label, fill, swatch), count in zip(_SHOWN, counts, strict=True):
        if count:
            width = 1000 * count / total
            parts.append(Part(round(start, 1), round(width, 1), fill, swatch, label, count))
            start += width
    return parts


def _findings(nodes: Sequence[ConnectorNode]) -> list[Finding]:
    found: list[Finding] = []
    for node in nodes:
        connector = node.connector.state
        if not connector.associated or connector.last_deployed_at is None:
            continue
        name = node.target_system.state.name if node.target_system is not None else str(node.connector.id)
        found.extend(
            Finding(
                node.connector.id,
                name,
                seen.endpoint,
                history_of(seen.endpoint, connector.server_name),
                FINDINGS[seen.state],
                _detail(seen),
            )
            for seen in connector.validation
            if seen.state in FINDINGS
        )
    return found


def _detail(seen: EndpointValidation) -> str:
    served = seen.served_fingerprint_sha256
    return f"fingerprint {served[:8]}…{served[-4:]}" if served is not None else ""
