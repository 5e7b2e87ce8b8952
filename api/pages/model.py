"""What the certificate page shows, worked out before the template sees it: no decision is made in a template."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from api.pages import lifetime, words
from api.pages.facts import Fact, later_facts
from api.pages.report_card import ReportCard, report_card
from api.pages.topology_card import Card, card
from api.presenters.grouping import Asked
from application.reaching import of_both, of_certificate
from domain import colour as colours
from domain.bridge import Bridge
from domain.ca_notice import NoticeState
from domain.certificate import Certificate, Source, check_key_available, check_pushable, days_until_expiry, status
from domain.colour import MEANING, Colour
from domain.pfx_export import check_exportable
from domain.push_states import OPEN_STATUSES, RESOLUTIONS, FailureCause, WorkOrderStatus
from domain.renewal import check_renewable
from domain.revocation import check_revocable, check_told_by_hand, check_untold
from domain.role_grant import Role, ScopedRole
from domain.role_scope import Concern, role_words
from domain.roles import Action, Permission, ask, may, reach
from domain.target_system import TargetSystem
from domain.work_order_actions import available_actions
from domain.work_order_state import WorkOrder
from projections.connectors.view import ConnectorNode
from projections.push_validation.view import PushOperation
from projections.rows import Row
from projections.topology.view import CertificateTopology

DIALOGS = {"approve": "Approve", "implement": "Implement", "reschedule": "Reschedule", "retry": "Retry"}


class Viewer(NamedTuple):
    """Who looks at the page, with the roles that count everywhere and those within scopes; `past`: at what was, where
    there is nothing to be done. `position`: up to which the page shows everything.
    """

    id: str
    name: str
    roles: frozenset[Role]
    csrf_token: str = ""
    past: bool = False
    position: int = 0
    scoped: frozenset[ScopedRole] = frozenset()

    @property
    def holds_roles(self) -> tuple[str, ...]:
        """Every role in words, those within scopes, too."""
        return (*sorted(self.roles), *sorted(role_words(each.role, each.scope) for each in self.scoped))

    def ask(self, action: str, permission: Permission, decision: Callable[[], Any], concern: Concern) -> Action:
        """May this person do it with what is concerned?"""
        held = reach(self.roles, self.scoped, concern)
        return ask(action, held.roles, permission, decision, held.outside)

    @property
    def sees_alerts(self) -> bool:
        """Has this person a page of alerts?"""
        return may(self.roles, Permission.ALERTS) or may(self.roles, Permission.READ_EVERYTHING)

    @property
    def sees_policies(self) -> bool:
        """Has this person a page of issuance policies?"""
        return self.sees_everything or may(self.roles, Permission.POLICIES)

    @property
    def sees_channels(self) -> bool:
        """Has this person a page of notification channels?"""
        return self.sees_everything or may(self.roles, Permission.CHANNELS)

    @property
    def sees_report_schedules(self) -> bool:
        """Has this person a page of report schedules?"""
        return self.sees_everything or may(self.roles, Permission.REPORT_SCHEDULES)

    @property
    def sees_everything(self) -> bool:
        """May this person read the audit log?"""
        return may(self.roles, Permission.READ_EVERYTHING)

    @property
    def sees_people(self) -> bool:
        """Has this person a page of people and programs?"""
        return self.sees_everything or may(self.roles, Permission.PRINCIPALS)

    @property
    def approves_roles(self) -> bool:
        """May this person be the second one who gives a role?"""
        return may(self.roles, Permission.APPROVE_GRANTS)

    def of_the_past(self) -> "Viewer":
        """The same, looking at what was."""
        return self._replace(past=True)


class Button(NamedTuple):
    """A step somebody may take, or why not."""

    words: str
    url: str
    allowed: bool
    reason: str | None = None
    primary: bool = False


class OrderNote(NamedTuple):
    """The work order beside its connector."""

    id: UUID
    number: str
    words: str
    tone: str
    icon: str
    detail: str


class ConnectorLine(NamedTuple):
    """One connector."""

    id: UUID
    icon: str
    name: str
    endpoints: str
    history: str
    bridge: str
    colour: Colour
    state: str
    reasons: str
    sync: str
    sync_tone: str
    work_order: OrderNote | None
    actions: tuple[Button, ...]


class CertificatePage(NamedTuple):
    """Everything on the page of one certificate."""

    id: UUID
    url: str
    url_unfiltered: str
    common_name: str
    colour: Colour
    state: str
    headline: str
    summary: str
    facts: tuple[Fact, ...]
    not_before: datetime
    not_after: datetime
    lifetime: lifetime.Lifetime
    push: Button
    download: Button
    pfx: Button
    renew: Button
    revoke: Button
    notice: tuple[Button, ...]
    card: Card[ConnectorLine]
    filtered: bool
    moving: bool
    report: ReportCard


def certificate_page(
    topology: CertificateTopology,
    operations: Sequence[PushOperation],
    viewer: Viewer,
    now: datetime,
    wanted: Asked = Asked(),
) -> CertificatePage:
    """The page at an instant for one viewer, with the connectors that are wanted."""
    row = topology.certificate
    shade = colours.of_certificate(row.state, now)
    shades = {
        node.connector.id: colours.of_connector(node.connector.state, row.state, now) for node in topology.connectors
    }
    base = f"/certificates/{row.id}"
    return CertificatePage(
        id=row.id,
        url=wanted.url(base),
        url_unfiltered=base,
        common_name=row.state.facts.common_name,
        colour=shade.colour,
        state=words.CERTIFICATE_WORDS[shade.colour],
        headline=words.certificate_headline(status(row.state, now), days_until_expiry(row.state, now)),
        summary=f"{words.plural(len(topology.bridges), 'bridge')}, "
        f"{words.plural(len(topology.connectors), 'connector')}",
        facts=(*_facts(row.state), *later_facts(row.state)),
        not_before=row.state.facts.not_before,
        not_after=row.state.facts.not_after,
        lifetime=lifetime.draw(row.state.facts, now),
        push=_push_button(base, topology, viewer, now),
        download=_download_button(row, viewer),
        pfx=_pfx_button(row, viewer),
        renew=_renew_button(base, row, viewer),
        revoke=_revoke_button(base, row, viewer),
        notice=() if viewer.past else _notice_buttons(base, row.state, viewer),
        card=card(
            base,
            topology.connectors,
            shades,
            wanted,
            lambda node: _line(node, row, shades[node.connector.id], viewer, now),
        ),
        filtered=wanted.narrowed,
        moving=not viewer.past and _moving(topology.connectors),
        report=report_card(operations, topology.connectors, frozenset() if viewer.past else viewer.roles),
    )


def _facts(certificate: Certificate) -> tuple[Fact, ...]:
    facts = certificate.facts
    serial, fingerprint = _colons(facts.serial_number), _colons(facts.fingerprint_sha256).upper()
    return (
        Fact("Common Name", facts.common_name),
        Fact("Subject Alternative Names", ", ".join(facts.subject_alternative_names) or "none"),
        Fact("Issuer", facts.issuer, short=facts.issuer_common_name or None),
        Fact("Algorithm / digest", f"{facts.algorithm} / {facts.digest}", wide=True),
        Fact("Order type", order_type(certificate.provider, certificate.source)),
        Fact("Source", certificate.source.value, wide=True),
        Fact("Serial number", serial, short=_middle(serial, 8), mono=True, wide=True),
        Fact("Fingerprint (SHA-256)", fingerprint, short=_middle(fingerprint, 9), mono=True, wide=True),
    )


def order_type(provider: str | None, source: Source) -> str:
    """The provider in the manual's words; what was brought in or found has none."""
    without = "Imported" if source is Source.MANAGED else "none"
    return {"local_pki": "Local PKI", "acme": "ACME", "external_ca": "External CA"}.get(provider or "", without)


def _colons(digits: str) -> str:
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def _middle(text: str, kept: int) -> str:
    return text if len(text) <= kept + 6 else f"{text[:kept]}…{text[-5:]}"


def _push_button(base: str, topology: CertificateTopology, viewer: Viewer, now: datetime) -> Button:
    certificate = topology.certificate.state
    found = _may_push(certificate, viewer, now, Concern(certificate_tags=certificate.tags, any_target=True))
    reason = found.reason
    if not any(node.connector.state.associated for node in topology.connectors):
        reason = "Add a target system to this certificate first."
    return Button("Push to Device", f"{base}/push", allowed=reason is None, reason=reason, primary=True)


def _may_push(certificate: Certificate, viewer: Viewer, now: datetime, concern: Concern) -> Action:
    """Push to Device, or Deploy: what the API would say."""

    def push() -> None:
        check_pushable(certificate, now)
        check_key_available(certificate)

    if viewer.past:
        return Action("push", allowed=False, reason="Nothing can be done in the past.")
    return viewer.ask("push", Permission.DEPLOY, push, concern)


def _download_button(row: Row[Certificate], viewer: Viewer) -> Button:
    found = viewer.ask("download", Permission.DOWNLOAD, lambda: None, of_certificate(row.state))
    return Button(
        "Download Certificate", f"/api/v1/certificates/{row.id}/download?format=pem", found.allowed, found.reason
    )


def _pfx_button(row: Row[Certificate], viewer: Viewer) -> Button:
    found = Action("export_pfx", allowed=False, reason="Nothing can be done in the past.")
    if not viewer.past:
        concern = of_certificate(row.state)
        found = viewer.ask("export_pfx", Permission.EXPORT_PFX, lambda: check_exportable(row.state), concern)
    return Button("Download PFX", f"/certificates/{row.id}/pfx", found.allowed, found.reason)


def _renew_button(base: str, row: Row[Certificate], viewer: Viewer) -> Button:
    found = viewer.ask("renew", Permission.RENEW, lambda: check_renewable(row.state), of_certificate(row.state))
    return Button("Renew", f"{base}/renew", found.allowed, found.reason)


def _revoke_button(base: str, row: Row[Certificate], viewer: Viewer) -> Button:
    found = viewer.ask("revoke", Permission.REVOKE, lambda: check_revocable(row.state), of_certificate(row.state))
    return Button("Revoke Certificate", f"{base}/revocation-requests", found.allowed, found.reason)


def _notice_buttons(base: str, certificate: Certificate, viewer: Viewer) -> tuple[Button, ...]:
    """Where the CA does not know of the revocation: tell it again, or say that somebody did."""
    notice = certificate.ca_notice
    if certificate.revoked_at is None or notice is None or notice.state is NoticeState.INFORMED:
        return ()
    steps = (("retry", "Tell the CA again", check_untold), ("told", "The CA was told", check_told_by_hand))
    may, concern = Permission.REVOKE, of_certificate(certificate)
    asked = [(words, viewer.ask(name, may, partial(check, certificate), concern)) for name, words, check in steps]
    return tuple(
        Button(words, f"{base}/revocation-notice/{found.action}", found.allowed, found.reason) for words, found in asked
    )


def _moving(nodes: Sequence[ConnectorNode]) -> bool:
    """Is something under way that the page should follow by itself?"""
    return any(
        node.connector.state.in_flight
        or node.connector.state.sync_pending
        or (node.work_order is not None and node.work_order.state.status is WorkOrderStatus.IMPLEMENTING)
        for node in nodes
    )


def _bridge_name(bridge: Row[Bridge] | None) -> str:
    return bridge.state.name if bridge is not None else "unknown"


def _line(
    node: ConnectorNode, certificate: Row[Certificate], shade: colours.Shade, viewer: Viewer, now: datetime
) -> ConnectorLine:
    connector, target = node.connector.state, node.target_system
    sync, tone = words.sync_words(connector)
    name = target.state.name if target is not None else str(connector.target_system_id)
    kind = target.state.settings.kind if target is not None else ""
    return ConnectorLine(
        id=node.connector.id,
        icon=words.TARGET_ICONS.get(kind, "server"),
        name=f"{name} / {connector.profile}" if connector.profile else name,
        endpoints=", ".join(connector.endpoints),
        history=f"/endpoint-history?connector_id={node.connector.id}",
        bridge=_bridge_name(node.bridge),
        colour=shade.colour,
        state=MEANING[shade.colour],
        reasons="; ".join(shade.reasons),
        sync=sync,
        sync_tone=tone,
        work_order=_note(node),
        actions=_actions(node, certificate, viewer, now),
    )


def _note(node: ConnectorNode) -> OrderNote | None:
    row = node.work_order
    if row is None:
        return None
    order = row.state
    label, tone, detail = order.label, "quiet", order.label
    if order.status is WorkOrderStatus.FAILED:
        cause = (order.failure_cause or "unknown").replace("_", " ")
        label, tone = f"Failed: {cause}", "bad"
        detail = f"{order.failure_message} {RESOLUTIONS.get(FailureCause(order.failure_cause or 'unknown'), '')}"
    elif order.status is WorkOrderStatus.SCHEDULED and order.scheduled_at is not None:
        label = f"{order.label} {words.moment(order.scheduled_at, order.requested_at)}"
    elif order.status in (WorkOrderStatus.APPROVAL_PENDING, WorkOrderStatus.REVIEW_IN_PROGRESS):
        label = f"{order.label} ({order.approvals_given} of {order.policy.levels})"
    return OrderNote(row.id, f"WO-{row.created_position}", label, tone, words.ORDER_ICONS[order.status], detail)


def steps(
    row: Row[WorkOrder], viewer: Viewer, now: datetime, words: Mapping[str, str], concern: Concern
) -> tuple[Button, ...]:
    """The steps that make sense for a work order, of those that there are `words` for; none in the past. `concern`:
    what it is about.
    """
    if viewer.past:
        return ()
    found = available_actions(
        row.state, person=viewer.id, roles=viewer.roles, now=now, scoped=viewer.scoped, concern=concern
    )
    return tuple(
        Button(
            words[action.action],
            f"/work-orders/{row.id}/{action.action}",
            action.allowed,
            action.reason,
            primary=action.allowed and action.action in ("approve", "implement"),
        )
        for action in found
        if action.action in words
    )


def next_step(row: Row[WorkOrder], viewer: Viewer, now: datetime, concern: Concern) -> tuple[Button, ...]:
    """The step that carries a work order on; none where it has ended, and none in the past."""
    return steps(row, viewer, now, DIALOGS, concern)[:1]


def concern_of(certificate: Row[Certificate] | None, target: Row[TargetSystem] | None) -> Concern:
    """By what a role within a scope reaches a connector and its work order."""
    return of_both(certificate.state if certificate else None, target.state if target else None)


def _actions(node: ConnectorNode, certificate: Row[Certificate], viewer: Viewer, now: datetime) -> tuple[Button, ...]:
    """At most one button per row: the step that carries it on."""
    connector, row = node.connector, node.work_order
    if viewer.past or not connector.state.associated:
        return ()
    concern = concern_of(certificate, node.target_system)
    if row is not None and row.state.status in {*OPEN_STATUSES, WorkOrderStatus.FAILED}:
        return next_step(row, viewer, now, concern)
    found = _may_push(certificate.state, viewer, now, concern)
    url = f"/certificates/{certificate.id}/push?connector_id={connector.id}"
    return (Button("Push", url, found.allowed, found.reason),)
