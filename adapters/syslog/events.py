"""Events of the ledger as syslog messages, as docs/reference/syslog.md says."""

import re

from adapters.syslog.messages import Message, Severity
from adapters.syslog.messages import encoded as encoded_message
from projections.audit_trail.cloud_events import Origin, cloud_event, encoded
from projections.audit_trail.view import AuditEvent

ELEMENT = "event"
SEVERITIES: tuple[tuple[Severity, tuple[str, ...]], ...] = (
    (
        Severity.ERROR,
        (
            "certificate.deployment.failed",
            "certificate.order.failed",
            "certificate.policy_hard_fail",
            "work_order.push.failed",
        ),
    ),
    (
        Severity.WARNING,
        (
            "access.denied",
            "alert.raised",
            "bridge.disconnected",
            "bridge.quarantined",
            "certificate.deployment.report_stale",
            "certificate.policy_soft_fail",
            "certificate.revoke.refused",
            "command.refused",
            "webhook.disabled",
            "work_order.push.expired",
            "work_order.push.refused",
            "work_order.push.rejected",
        ),
    ),
    (Severity.INFORMATIONAL, ("audit.log.read", "certificate.view.accessed", "claim.released", "claim.taken")),
)
"""By type; every other one is a notice."""
_OF = {topic: severity for severity, topics in SEVERITIES for topic in topics}
_LONGEST_VALUE = 200
_NAMES = {
    "position": "id",
    "source": "source",
    "type": "type",
    "stream": "subject",
    "actorkind": "actorkind",
    "actorid": "actorid",
    "actoronbehalfof": "actoronbehalfof",
    "correlationid": "correlationid",
    "causationposition": "causationposition",
    "leafhash": "leafhash",
}
"""Parameters of the structured data, and the attributes of the CloudEvent that they hold."""
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]")


def event_message(found: AuditEvent, origin: Origin, longest: int) -> bytes:
    """One event, with its CloudEvent as text. Where that would make it longer than `longest` octets, the text says
    where the data is instead (`dataref`); where even that is too much, there is none.
    """
    bare = Message(
        severity=severity_of(found.type),
        at=found.recorded_at,
        kind=found.type,
        element=ELEMENT,
        values=_values(found, origin),
    )
    head = encoded_message(bare)
    for limit in (None, 0):
        text = in_ascii(encoded(found, origin, limit).decode())
        if len(head) + 1 + len(text) <= longest:
            return head + b" " + text.encode()
    return head


def severity_of(topic: str) -> Severity:
    """By the type of the event alone."""
    return _OF.get(topic, Severity.NOTICE)


def in_ascii(json: str) -> str:
    r"""The same JSON, every character beyond ASCII as `\uXXXX` (RFC 8259, section 7)."""
    return _BEYOND_ASCII.sub(lambda found: _escaped(found[0]), json)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _values(found: AuditEvent, origin: Origin) -> tuple[tuple[str, str], ...]:
    attributes = cloud_event(found, origin)
    held = ((name, attributes.get(attribute)) for name, attribute in _NAMES.items())
    return tuple((name, value[:_LONGEST_VALUE]) for name, value in held if value is not None)
