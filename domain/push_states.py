"""The words of pushing: work order statuses, deployment statuses, failure causes (domain page, sections 3 and 4)."""

from enum import StrEnum


class WorkOrderStatus(StrEnum):
    """Approval axis, on the work order."""

    APPROVAL_PENDING = "approval_pending"
    REVIEW_IN_PROGRESS = "review_in_progress"
    SCHEDULED = "scheduled"
    IMPLEMENTING = "implementing"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


STATUS_LABELS: dict[WorkOrderStatus, str] = {
    WorkOrderStatus.APPROVAL_PENDING: "Push-Approval Pending",
    WorkOrderStatus.REVIEW_IN_PROGRESS: "Push-Review In Progress",
    WorkOrderStatus.SCHEDULED: "Push-Scheduled",
    WorkOrderStatus.IMPLEMENTING: "Push-Implementation In Progress",
    WorkOrderStatus.COMPLETED: "Completed",
    WorkOrderStatus.FAILED: "Push-Failed",
    WorkOrderStatus.REJECTED: "Rejected",
    WorkOrderStatus.CANCELLED: "Cancelled",
    WorkOrderStatus.EXPIRED: "Expired",
    WorkOrderStatus.SUPERSEDED: "Superseded",
}

OPEN_STATUSES = frozenset(
    {
        WorkOrderStatus.APPROVAL_PENDING,
        WorkOrderStatus.REVIEW_IN_PROGRESS,
        WorkOrderStatus.SCHEDULED,
        WorkOrderStatus.IMPLEMENTING,
    }
)


class SupersededReason(StrEnum):
    """Why an open work order ended without a person's decision."""

    DIGEST_CHANGED = "digest_changed"
    CONNECTOR_REMOVED = "connector_removed"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_RENEWED = "certificate_renewed"


class DeploymentStatus(StrEnum):
    """Deployment axis, on the connector (manual "Viewing Deployment Status")."""

    NOT_DEPLOYED = "not_deployed"
    PENDING = "pending"
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    FAILED = "failed"


class FailureCause(StrEnum):
    """Why a deployment failed (manual "Common failure causes", and what else really happens)."""

    BRIDGE_DISCONNECTED = "bridge_disconnected"
    TARGET_UNREACHABLE = "target_unreachable"
    PERMISSION_DENIED = "permission_denied"
    SERVICE_RELOAD_FAILED = "service_reload_failed"
    INVALID_CERTIFICATE_OR_KEY = "invalid_certificate_or_key"
    DISK_FULL = "disk_full"
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"


RESOLUTIONS: dict[FailureCause, str] = {
    FailureCause.BRIDGE_DISCONNECTED: "Verify the Bridge is running and connected under CLM → Bridges.",
    FailureCause.TARGET_UNREACHABLE: (
        "Confirm the hostname or IP address is correct and reachable from the Bridge host."
    ),
    FailureCause.PERMISSION_DENIED: (
        "Ensure the Bridge service account has write access to the certificate file paths on the target system."
    ),
    FailureCause.SERVICE_RELOAD_FAILED: (
        "Check the target system's service logs. The certificate files may have been written correctly even if the "
        "reload command failed."
    ),
    FailureCause.INVALID_CERTIFICATE_OR_KEY: (
        "Verify the certificate is active and that the private key is available on the Back Control Plane."
    ),
    FailureCause.DISK_FULL: "Free space on the file system that holds the certificate files, then retry.",
    FailureCause.ROLLED_BACK: (
        "The previous certificate is in place again. Read the message, mend the target system, then retry."
    ),
    FailureCause.UNKNOWN: "Read the Bridge's message and the target system's logs, then retry.",
}
