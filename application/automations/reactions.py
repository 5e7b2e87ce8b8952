"""Reactions: when this has happened, that is done. Each may run twice and ends in the same; none relies on being first.

`REACTIONS` says which event has which; a worker follows the log by position and hands every event out exactly once
(adapters/queue).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import NamedTuple, cast

import msgspec

from application.acme_ordering import validate_challenge
from application.associating import AddConnector, add_connector
from application.automations import alerts
from application.automations.kit import Kit, each, reacting
from application.ca_informing import inform_ca
from application.conversations import of_order
from application.deploying import dispatch
from application.discovering import start_discovery
from application.erasing import finish_erasure
from application.house import load
from application.implementing import begin_scheduled, supersede_push
from application.issuing_ports import NotYet
from application.ledger_verifying import carry_out_verification
from application.notifying import send_test, tell_of_alert
from application.order_processing import forget, process_order
from application.ports import Recorded
from application.renewing import push_successor
from application.replacing import carry_on_replacement, plan_replacement
from application.report_sending import send_report
from application.revoking import forget_code
from application.scanning import carry_out_scan
from application.verifying import carry_out_run
from domain import ids
from domain.acme_order import AcmeChallengeAnswered
from domain.alert import AlertRaised
from domain.bridge import BridgeConnected, BridgeDisconnected, BridgeEnrolled, BridgeQuarantined, BridgeRetired
from domain.ca_notice import (
    RevocationCaByHand,
    RevocationCaFailed,
    RevocationCaRetried,
    RevocationCaToldByHand,
)
from domain.certificate import CertificateRenewed, CertificateRevoked
from domain.certificate_order import (
    CERTIFICATE_ORDER,
    AutomatedRequestSubmitted,
    CertificateOrder,
    CsrRequestSubmitted,
    EndpointCsrRequestSubmitted,
    OrderCompleted,
    OrderCsrReceived,
    OrderFailed,
    OrderResubmitted,
    PolicyHardFailed,
    WantedConnector,
)
from domain.connector_events import (
    DeploymentFailed,
    DeploymentSucceeded,
    SyncChanged,
    TargetSystemDissociated,
    ValidationChanged,
)
from domain.discovery import DiscoveryStarted
from domain.entity import ActorKind, Event
from domain.expiry_alert_rule import ExpiryAlertRuleChanged, ExpiryAlertRuleRetired
from domain.ledger_verification import LedgerVerificationStarted
from domain.notification_channel import NotificationChannelTested
from domain.principal import SubjectErased
from domain.push_states import SupersededReason
from domain.replacement import ReplacementPlanned, ReplacementRequested, ReplacementRetried
from domain.report_delivery import ReportDeliveryStarted
from domain.revocation import RevocationRequested
from domain.verification import VerificationRunStarted
from domain.webhook import WebhookChanged, WebhookDisabled, WebhookRemoved
from domain.work_order_events import PushImplemented, PushRescheduled, PushRetried, PushScheduled

SCHEDULE = "schedule"


def _is_for_people(event: Event) -> bool:
    return not (isinstance(event, RevocationCaFailed) and event.retrying)


def _always(_: Event) -> bool:
    return True


class Reaction(NamedTuple):
    """`at` names the instant to wait for. `latest`: it looks at the aggregate as it is now, so that of some events of
    one stream the last is enough. `follows`: only to events of which it says so.
    """

    name: str
    act: Callable[[Kit, Recorded], Awaitable[object]]
    at: Callable[[Event], datetime] | None = None
    latest: bool = False
    follows: Callable[[Event], bool] = _always


async def dispatch_push(kit: Kit, recorded: Recorded) -> None:
    """When a push is implemented or retried, it is queued for its bridge."""
    await dispatch(kit.house, reacting(kit.house, "dispatch-push", recorded), recorded.stream_id)


async def begin_push(kit: Kit, recorded: Recorded) -> None:
    """When the set time of a scheduled push has come, it begins."""
    await begin_scheduled(kit.house, reacting(kit.house, "begin-push", recorded), recorded.stream_id)


async def issue_order(kit: Kit, recorded: Recorded) -> None:
    """When an order is submitted, or submitted again, its provider is asked, again and again until it has answered; the
    target systems that a complete order named are added to the certificate.
    """
    context = reacting(kit.house, "process-order", recorded)
    try:
        done = await process_order(kit.house, context, kit.issuers, recorded.stream_id)
    except NotYet as waiting:
        if waiting.seconds is not None:
            raise
    else:
        await _add_wanted_connectors(kit, recorded, done.result.found)


async def validate_acme_challenge(kit: Kit, recorded: Recorded) -> None:
    """When an ACME client has answered a challenge, it is looked at, for a while again and again."""
    event = cast("AcmeChallengeAnswered", recorded.event)
    context = reacting(kit.house, "validate-acme-challenge", recorded)
    await validate_challenge(kit.house, context, kit.looker, recorded.stream_id, event.number, event.meta.at)


async def follow_up_order(kit: Kit, recorded: Recorded) -> None:
    """When people brought the answer to an order, its connectors are added; what was kept for them is forgotten."""
    order = await load(kit.house, CERTIFICATE_ORDER, recorded.stream_id)
    await _add_wanted_connectors(kit, recorded, order.found)
    await forget(kit.issuers, order)


async def _add_wanted_connectors(kit: Kit, recorded: Recorded, order: CertificateOrder) -> None:
    certificate_id, connectors = order.certificate_id, order.parameters.connectors
    if certificate_id is None or not connectors:
        return
    # Whichever event is reacted to, and however often: once for each attempt at an order.
    command_id = ids.derive("add-connectors", recorded.stream_id, order.attempt)
    context = of_order(reacting(kit.house, "add-connectors", recorded), order)
    context = msgspec.structs.replace(context, command_id=command_id)

    async def add(numbered: tuple[int, WantedConnector]) -> None:
        number, wanted = numbered
        command = AddConnector(
            certificate_id=certificate_id,
            target_system_id=wanted.target_system_id,
            profile=wanted.profile,
            endpoints=wanted.endpoints,
            server_name=wanted.server_name,
        )
        await add_connector(kit.house, context.part(number), command)

    await each(enumerate(connectors), add)


async def discover_after_push(kit: Kit, recorded: Recorded) -> None:
    """When a deployment succeeded, its target system is read back."""
    event = cast("DeploymentSucceeded", recorded.event)
    context = reacting(kit.house, "discover-after-push", recorded)
    await start_discovery(kit.house, context, event.target_system_id, trigger="deployment")


async def supersede_pushes(kit: Kit, recorded: Recorded) -> None:
    """When a certificate is revoked or replaced, its open work orders end."""
    revoked = isinstance(recorded.event, CertificateRevoked)
    reason = SupersededReason.CERTIFICATE_REVOKED if revoked else SupersededReason.CERTIFICATE_RENEWED
    context = reacting(kit.house, "supersede-pushes", recorded)
    await kit.caught_up(recorded.position)
    open_orders = await kit.house.hints.open_work_orders(certificate_id=recorded.stream_id)
    await each(open_orders, lambda order_id: supersede_push(kit.house, context.part(order_id), order_id, reason))


async def push_renewed(kit: Kit, recorded: Recorded) -> None:
    """When a certificate is renewed, its successor is to be pushed to every connector, under their approvals."""
    new = cast("CertificateRenewed", recorded.event).renewed_to
    assert new is not None
    await kit.caught_up(recorded.position)
    await push_successor(kit.house, reacting(kit.house, "push-renewed", recorded), recorded.stream_id, new)


async def plan_to_replace(kit: Kit, recorded: Recorded) -> None:
    """When somebody wants many certificates replaced, it is written down which ones those are."""
    await kit.caught_up(recorded.position)
    context = reacting(kit.house, "plan-replacement", recorded)
    await plan_replacement(kit.house, context, recorded.stream_id)


async def replace_planned(kit: Kit, recorded: Recorded) -> None:
    """When many certificates are to be replaced, they are ordered, batch by batch, until every order has ended."""
    await kit.caught_up(await kit.house.log.head())
    context = reacting(kit.house, "carry-on-replacement", recorded)
    await carry_on_replacement(kit.house, context, kit.issuers, recorded.stream_id)


async def tell_ca(kit: Kit, recorded: Recorded) -> None:
    """When a certificate is revoked, or somebody asks for it, its CA is told, until it has taken or refused it."""
    await kit.caught_up(recorded.position)
    await inform_ca(kit.house, reacting(kit.house, "tell-ca", recorded), kit.issuers, recorded.stream_id)


async def forget_confirmation_code(kit: Kit, recorded: Recorded) -> None:
    """When a confirmation code is too old, what was kept to check it is forgotten."""
    await forget_code(kit.house, recorded.stream_id)


async def verify_on_demand(kit: Kit, recorded: Recorded) -> None:
    """When somebody asked for a verification run, it is carried out."""
    event = cast("VerificationRunStarted", recorded.event)
    if event.trigger == SCHEDULE:
        return  # its timer carries it out
    await kit.caught_up(recorded.position)
    context = reacting(kit.house, "verify-on-demand", recorded)
    run, elsewhere = recorded.stream_id, kit.elsewhere
    await carry_out_run(kit.house, context, kit.prober, kit.results, run, event.connector_ids, elsewhere=elsewhere)


async def verify_ledger(kit: Kit, recorded: Recorded) -> None:
    """When somebody asked for the ledger to be verified, that is done."""
    context = reacting(kit.house, "verify-ledger", recorded)
    await carry_out_verification(kit.house, context, kit.verifier, recorded.stream_id)


async def complete_erasure(kit: Kit, recorded: Recorded) -> None:
    """When somebody is erased, their key is destroyed, should the command not have come so far; their tokens end."""
    await kit.caught_up(recorded.position)
    await finish_erasure(kit.house, reacting(kit.house, "complete-erasure", recorded), recorded.stream_id)


async def notify(kit: Kit, recorded: Recorded) -> None:
    """When an alert is raised, the channels that take it are told, each until it has taken the message."""
    await kit.caught_up(recorded.position)
    await tell_of_alert(kit.house, reacting(kit.house, "notify", recorded), kit.notices, recorded)


async def try_out_channel(kit: Kit, recorded: Recorded) -> None:
    """When somebody asked for it, a channel is sent a test message."""
    await send_test(kit.house, reacting(kit.house, "try-channel", recorded), kit.notices, recorded)


async def send_out_report(kit: Kit, recorded: Recorded) -> None:
    """When the delivery of a report has begun, it is written and sent to every recipient, until each has taken it."""
    await kit.caught_up(recorded.position)
    context = reacting(kit.house, "send-report", recorded)
    await send_report(kit.house, context, kit.notices, kit.reports, recorded)


async def scan_network(kit: Kit, recorded: Recorded) -> None:
    """A discovery of a network that no bridge is to look at is carried out from here."""
    context = reacting(kit.house, "scan-network", recorded)
    await carry_out_scan(kit.house, context, kit.scanner, kit.reader, recorded.stream_id)


def _is_of_a_network(event: Event) -> bool:
    """And not to be looked at by a bridge."""
    network = cast("DiscoveryStarted", event).network
    return network is not None and network.bridge_id is None


def _is_of_people(event: Event) -> bool:
    """And not what another reaction has brought to its end."""
    return event.meta.actor.kind is not ActorKind.AUTOMATION


def _is_not_a_link_back(event: Event) -> bool:
    """A renewal is told of twice: with the old certificate, and with its successor."""
    return not (isinstance(event, CertificateRenewed) and event.renewed_to is None)


_DISPATCH = Reaction("dispatch-push", dispatch_push)
_BEGIN = Reaction("begin-push", begin_push, at=lambda event: cast("PushScheduled", event).scheduled_at)
_ISSUE = Reaction("process-order", issue_order)
_FOLLOW_UP = Reaction("add-connectors", follow_up_order, follows=_is_of_people)
_PUSH_ALERT = Reaction("alert-push", alerts.judge_push, latest=True)
_ORDER_ALERT = Reaction("alert-order", alerts.judge_order, latest=True)
_SYNC_ALERT = Reaction("alert-sync", alerts.judge_sync, latest=True)
_VALIDATION_ALERT = Reaction("alert-validation", alerts.judge_validation, latest=True)
_BRIDGE_ALERT = Reaction("alert-bridge", alerts.judge_bridge, latest=True)
_WEBHOOK_ALERT = Reaction("alert-webhook", alerts.judge_webhook, latest=True)
_FORGET_CODE = Reaction(
    "forget-confirmation-code",
    forget_confirmation_code,
    at=lambda event: cast("RevocationRequested", event).expires_at,
)
_EXPIRY_ALERT = Reaction("alert-expiry", alerts.judge_expiry, follows=_is_not_a_link_back)
_RULES_ALERT = Reaction("alert-rules", alerts.judge_rules, latest=True)
_SCAN = Reaction("scan-network", scan_network, follows=_is_of_a_network)
_PUSH_RENEWED = Reaction("push-renewed", push_renewed, follows=_is_not_a_link_back)
_TELL_CA = Reaction("tell-ca", tell_ca)
_NOTICE_ALERT = Reaction("alert-ca-notice", alerts.judge_ca_notice, latest=True, follows=_is_for_people)
_REPLACE = Reaction("carry-on-replacement", replace_planned)
_SUPERSEDE = Reaction("supersede-pushes", supersede_pushes, follows=_is_not_a_link_back)

REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    PushImplemented: (_DISPATCH,),
    PushRetried: (_DISPATCH,),
    PushScheduled: (_BEGIN,),
    PushRescheduled: (_BEGIN,),
    AcmeChallengeAnswered: (Reaction("validate-acme-challenge", validate_acme_challenge),),
    AutomatedRequestSubmitted: (_ISSUE,),
    CsrRequestSubmitted: (_ISSUE,),
    EndpointCsrRequestSubmitted: (_ISSUE,),
    OrderCsrReceived: (_ISSUE,),
    OrderResubmitted: (_ISSUE, _ORDER_ALERT),
    OrderCompleted: (_FOLLOW_UP,),  # its alert was resolved when it was resubmitted
    OrderFailed: (_ORDER_ALERT,),
    PolicyHardFailed: (_ORDER_ALERT,),
    DiscoveryStarted: (_SCAN,),
    DeploymentSucceeded: (Reaction("discover-after-push", discover_after_push), _PUSH_ALERT),
    DeploymentFailed: (_PUSH_ALERT,),
    TargetSystemDissociated: (_PUSH_ALERT, _SYNC_ALERT, _VALIDATION_ALERT),
    SyncChanged: (_SYNC_ALERT,),
    ValidationChanged: (_VALIDATION_ALERT,),
    RevocationRequested: (_FORGET_CODE,),
    CertificateRevoked: (_SUPERSEDE, _TELL_CA, _EXPIRY_ALERT),
    RevocationCaFailed: (_NOTICE_ALERT,),
    RevocationCaByHand: (_NOTICE_ALERT,),
    RevocationCaRetried: (_TELL_CA, _NOTICE_ALERT),
    RevocationCaToldByHand: (_NOTICE_ALERT,),
    CertificateRenewed: (_SUPERSEDE, _PUSH_RENEWED, _EXPIRY_ALERT),
    ReplacementRequested: (Reaction("plan-replacement", plan_to_replace),),
    ReplacementPlanned: (_REPLACE,),
    ReplacementRetried: (_REPLACE,),
    ExpiryAlertRuleChanged: (_RULES_ALERT,),
    ExpiryAlertRuleRetired: (_RULES_ALERT,),
    VerificationRunStarted: (Reaction("verify-on-demand", verify_on_demand),),
    LedgerVerificationStarted: (Reaction("verify-ledger", verify_ledger),),
    BridgeConnected: (_BRIDGE_ALERT,),
    BridgeDisconnected: (_BRIDGE_ALERT,),
    BridgeEnrolled: (_BRIDGE_ALERT,),
    BridgeQuarantined: (_BRIDGE_ALERT,),
    BridgeRetired: (_BRIDGE_ALERT,),
    WebhookChanged: (_WEBHOOK_ALERT,),
    WebhookDisabled: (_WEBHOOK_ALERT,),
    WebhookRemoved: (_WEBHOOK_ALERT,),
    AlertRaised: (Reaction("notify", notify),),
    NotificationChannelTested: (Reaction("try-channel", try_out_channel),),
    ReportDeliveryStarted: (Reaction("send-report", send_out_report),),
    SubjectErased: (Reaction("complete-erasure", complete_erasure),),
}

BY_NAME: Mapping[str, Reaction] = {reaction.name: reaction for group in REACTIONS.values() for reaction in group}
