"""What states are called on pages, and which icon goes with them."""

from datetime import datetime

from domain.bridge import BridgeStatus
from domain.certificate import CertificateStatus
from domain.colour import MEANING, Colour
from domain.connector import Connector
from domain.connector_events import SyncReason, SyncState, ValidationState
from domain.push_states import DeploymentStatus, WorkOrderStatus

CERTIFICATE_WORDS: dict[Colour, str] = {**MEANING, Colour.GREEN: "Valid"}

BADGES: dict[Colour, str] = {
    Colour.GREEN: "icon:check",
    Colour.BLUE: "text:90",
    Colour.YELLOW: "text:30",
    Colour.ORANGE: "text:10",
    Colour.RED: "icon:x",
    Colour.GRAY: "icon:alert-triangle",
    Colour.BLACK: "icon:ban",
    Colour.MID_PURPLE: "icon:unlink",
}

BRIDGE_WORDS: dict[BridgeStatus, tuple[str, str, str]] = {
    BridgeStatus.CONNECTED: ("Connected", "plug-connected", "good"),
    BridgeStatus.DISCONNECTED: ("Disconnected", "plug-off", "warn"),
    BridgeStatus.PENDING_ENROLMENT: ("Not enrolled yet", "hourglass", "warn"),
    BridgeStatus.QUARANTINED: ("Quarantined", "shield-x", "bad"),
    BridgeStatus.RETIRED: ("Retired", "circle-minus", "quiet"),
}

ORDER_ICONS: dict[WorkOrderStatus, str] = {
    WorkOrderStatus.APPROVAL_PENDING: "user-check",
    WorkOrderStatus.REVIEW_IN_PROGRESS: "eye",
    WorkOrderStatus.SCHEDULED: "calendar-time",
    WorkOrderStatus.IMPLEMENTING: "send",
    WorkOrderStatus.COMPLETED: "circle-check",
    WorkOrderStatus.FAILED: "circle-x",
    WorkOrderStatus.REJECTED: "circle-x",
    WorkOrderStatus.CANCELLED: "circle-minus",
    WorkOrderStatus.EXPIRED: "clock-exclamation",
    WorkOrderStatus.SUPERSEDED: "circle-dashed",
}

SYNC_REASONS: dict[SyncReason, str] = {
    SyncReason.CONNECTOR_UNHEALTHY: "target could not be read",
    SyncReason.NOT_RETURNED: "not found on the target",
    SyncReason.SUPERSEDED_ON_DEVICE: "another certificate is in place",
}

FINDINGS: dict[ValidationState, str] = {
    ValidationState.MISMATCH_PREVIOUS: "Serves the previous certificate",
    ValidationState.MISMATCH_KNOWN: "Serves another certificate of the inventory",
    ValidationState.MISMATCH_UNKNOWN: "Serves an unknown certificate",
    ValidationState.NO_CERTIFICATE: "Serves no certificate",
    ValidationState.UNREACHABLE: "Could not be reached",
    ValidationState.NAME_NOT_RESOLVED: "Its name could not be resolved",
    ValidationState.HANDSHAKE_FAILED: "The TLS handshake failed",
}


NOT_PROBED: dict[str, str] = {
    "bridge_offline": "Not probed: bridge offline",
    "bridge_busy": "Not probed: bridge busy",
    "bridge_did_not_answer": "Not probed: bridge did not answer",
    "refused_by_bridge": "Not probed: refused by the bridge",
    "evidence_refused": "Not probed: the bridge's evidence does not hold",
    "no_bridge": "Not probed: no bridge",
}


def state_words(state: ValidationState) -> str:
    """The state of an endpoint in a few words."""
    return FINDINGS.get(state, state.value.replace("_", " ").capitalize())


TARGET_ICONS = {"nginx": "server-2", "files": "file-certificate"}


def certificate_headline(status: CertificateStatus, days: int) -> str:
    """The state of the certificate in a few words, for the pill beside its name."""
    if status is CertificateStatus.ACTIVE:
        return f"Active, valid for {plural(days, 'day')}"
    if status is CertificateStatus.EXPIRED:
        return f"Expired {_ago(days)}"
    return {CertificateStatus.REVOKED: "Revoked", CertificateStatus.NOT_YET_VALID: "Not yet valid"}[status]


def days_left(days: int) -> str:
    """Until expiry, `90 days left`; afterwards `expired 2 days ago`."""
    return f"{plural(days, 'day')} left" if days >= 0 else f"expired {_ago(days)}"


def _ago(days: int) -> str:
    """Whole days since; days until expiry are rounded down, so that they are -1 within the first day after it."""
    return f"{plural(-days - 1, 'day')} ago" if days < -1 else "less than a day ago"


def sync_words(connector: Connector) -> tuple[str, str]:
    """The sync axis in words, and the tone of the text."""
    if not connector.associated:
        return "Not associated", "quiet"
    if connector.deployment_status in (DeploymentStatus.PENDING, DeploymentStatus.DEPLOYING):
        return {"pending": "Waiting for the bridge", "deploying": "Being deployed"}[
            connector.deployment_status
        ], "quiet"
    if connector.deployment_status is DeploymentStatus.NOT_DEPLOYED:
        return "Not deployed yet", "quiet"
    if connector.sync_pending:
        return "Waiting for discovery", "quiet"
    if connector.sync is SyncState.IN_SYNC:
        return "Sync", "good"
    if connector.sync is SyncState.UNKNOWN:
        return "Sync unknown", "quiet"
    reason = f": {SYNC_REASONS[connector.sync_reason]}" if connector.sync_reason else ""
    return f"Out of Sync{reason}", "warn"


def plural(count: int, noun: str) -> str:
    """`1 day`, `2 days`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def day(at: datetime) -> str:
    """29 Aug 2026 (UTC)."""
    return f"{at.day} {at:%b %Y}"


def moment(at: datetime, near: datetime) -> str:
    """29 Aug, 14:05 (UTC), with the year where it is another one than that of `near`."""
    year = "" if at.year == near.year else f" {at.year}"
    return f"{at.day} {at:%b}{year}, {at:%H:%M}"


def instant(at: datetime) -> str:
    """29 Aug 2026 14:05:09 (UTC)."""
    return f"{day(at)} {at:%H:%M:%S}"
