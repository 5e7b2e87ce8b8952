"""Alerts that follow the state of things: raised while it is wrong, resolved when it is right again.

Each looks at the aggregate as it is now, never at the event alone, so late and repeated reactions end in the same; and
again where it has changed meanwhile, so those that run at the same time do, too.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from application.alerting import raise_alert, resolve_alert, resolve_cause
from application.automations.kit import Kit, reacting
from application.expiring import settle_certificate, settle_rule
from application.house import Context, Loaded, load
from application.ports import Recorded
from domain.alert import ALERT, AlertKind
from domain.bridge import BRIDGE, Bridge, BridgeStatus
from domain.ca_notice import NoticeState
from domain.certificate import CERTIFICATE, Certificate
from domain.certificate_order import CERTIFICATE_ORDER, CertificateOrder, OrderStatus
from domain.connector import CONNECTOR, Connector
from domain.connector_events import SyncState, ValidationState
from domain.entity import AggregateType
from domain.personal import is_sealed
from domain.push_states import DeploymentStatus
from domain.target_system import TARGET_SYSTEM
from domain.webhook import WEBHOOK, DisabledReason, Webhook
from domain.work_order_state import WORK_ORDER

S = TypeVar("S")

_BATCH = 200
_WRONG = frozenset(
    {
        ValidationState.MISMATCH_PREVIOUS,
        ValidationState.MISMATCH_KNOWN,
        ValidationState.MISMATCH_UNKNOWN,
        ValidationState.NO_CERTIFICATE,
    }
)


async def judge_push(kit: Kit, recorded: Recorded) -> None:
    """A failed push raises an alert; the next one that succeeds on the same connector resolves it."""
    await _judge(kit, "alert-push", CONNECTOR, recorded, _settle_push)


async def _settle_push(kit: Kit, context: Context, connector: Loaded[Connector]) -> None:
    state = connector.found
    wrong = state.associated and state.deployment_status is DeploymentStatus.FAILED
    if state.in_flight and not wrong:
        return  # undecided
    said = f" ({state.error.cause.value}): {state.error.message}" if state.error else "."
    message = f"Pushing {await _what(kit, connector)} failed{said}" if wrong else None
    await _settle(kit, context, AlertKind.PUSH_FAILED, connector.id, message)


async def judge_order(kit: Kit, recorded: Recorded) -> None:
    """A failed order raises an alert; submitting it again resolves it."""
    await _judge(kit, "alert-order", CERTIFICATE_ORDER, recorded, _settle_order)


async def _settle_order(kit: Kit, context: Context, order: Loaded[CertificateOrder]) -> None:
    state = order.found
    failed = state.status is OrderStatus.FAILED
    message = f"The order of {state.parameters.common_name} failed: {state.error}" if failed else None
    await _settle(kit, context, AlertKind.ORDER_FAILED, order.id, message)


async def judge_sync(kit: Kit, recorded: Recorded) -> None:
    """A connector that is Out of Sync raises an alert; Sync resolves it."""
    await _judge(kit, "alert-sync", CONNECTOR, recorded, _settle_sync)


async def _settle_sync(kit: Kit, context: Context, connector: Loaded[Connector]) -> None:
    state = connector.found
    wrong = state.associated and state.sync is SyncState.OUT_OF_SYNC
    reason = f" ({state.sync_reason.value})" if state.sync_reason else ""
    message = f"{await _what(kit, connector)} is out of sync{reason}." if wrong else None
    await _settle(kit, context, AlertKind.OUT_OF_SYNC, connector.id, message)


async def judge_validation(kit: Kit, recorded: Recorded) -> None:
    """An endpoint that serves another certificate than the pushed one raises an alert; the right one resolves it."""
    await _judge(kit, "alert-validation", CONNECTOR, recorded, _settle_validation)


async def _settle_validation(kit: Kit, context: Context, connector: Loaded[Connector]) -> None:
    state = connector.found
    wrong = [v for v in state.validation if state.associated and v.state in _WRONG]
    places = ", ".join(f"{v.endpoint} ({v.state.value})" for v in wrong)
    message = f"{await _what(kit, connector)} is not what is served at {places}." if wrong else None
    await _settle(kit, context, AlertKind.VERIFICATION_MISMATCH, connector.id, message)


async def judge_bridge(kit: Kit, recorded: Recorded) -> None:
    """A bridge that fell silent raises an alert; its next sign of life, or its retirement, resolves it. So does
    quarantine, until another enrolment of the bridge.
    """
    await _judge(kit, "alert-bridge", BRIDGE, recorded, _settle_bridge)


async def _settle_bridge(kit: Kit, context: Context, bridge: Loaded[Bridge]) -> None:
    silent = bridge.found.status is BridgeStatus.DISCONNECTED and bridge.found.version is not None
    message = f"The bridge {bridge.found.name} is disconnected." if silent else None
    await _settle(kit, context.part("silent"), AlertKind.BRIDGE_SILENT, bridge.id, message)
    distrusted = bridge.found.status is BridgeStatus.QUARANTINED
    reason = bridge.found.quarantine_reason or ""
    why = "" if is_sealed(reason) else f" {reason}"  # what a person wrote is theirs, and stays where it is
    said = f"The bridge {bridge.found.name} is quarantined and gets no work.{why}" if distrusted else None
    await _settle(kit, context.part("quarantined"), AlertKind.BRIDGE_QUARANTINED, bridge.id, said)


async def judge_approvals(kit: Kit, context: Context) -> None:
    """A work order that waits for a person for too long raises an alert; the next step, or its end, resolves it."""
    before = context.at - timedelta(seconds=kit.house.settings.approval_waiting)
    for order_id in await kit.house.hints.waiting_for_approval(before, _BATCH):
        order = (await load(kit.house, WORK_ORDER, order_id)).found
        if order.waiting_since is not None and order.waiting_since <= before:
            what = await _what(kit, await load(kit.house, CONNECTOR, order.connector_id))
            message = f"The push of {what} has waited for a person since {order.waiting_since:%Y-%m-%d %H:%M} UTC."
            kind = AlertKind.APPROVAL_WAITING
            await raise_alert(kit.house, context.part(order_id), kind, str(order_id), message, order_id)
    for alert_id in await kit.house.hints.open_alerts_of(AlertKind.APPROVAL_WAITING):
        alert = (await load(kit.house, ALERT, alert_id)).found
        waiting = alert.subject_id and (await load(kit.house, WORK_ORDER, alert.subject_id)).found.waiting_since
        if not waiting or waiting > alert.raised_at:
            await resolve_alert(kit.house, context.part(alert_id), alert_id)


async def judge_expiry(kit: Kit, recorded: Recorded) -> None:
    """A certificate that was renewed or revoked expires in peace: its alerts of expiry are resolved."""
    await kit.caught_up(await kit.house.log.head())
    await settle_certificate(kit.house, reacting(kit.house, "alert-expiry", recorded), recorded.stream_id)


async def judge_ca_notice(kit: Kit, recorded: Recorded) -> None:
    """A CA that said no to a revocation, or has to be told by people, raises an alert; once it knows, or is told again,
    that is resolved.
    """
    await _judge(kit, "alert-ca-notice", CERTIFICATE, recorded, _settle_ca_notice)


async def _settle_ca_notice(kit: Kit, context: Context, certificate: Loaded[Certificate]) -> None:
    notice = certificate.found.ca_notice
    message = None
    if notice is not None and notice.state is not NoticeState.INFORMED and not notice.retrying:
        name = certificate.found.facts.common_name
        message = f"The CA of {name} does not know that it is revoked: {notice.message}"
    await _settle(kit, context, AlertKind.CA_NOT_INFORMED, certificate.id, message)


async def judge_rules(kit: Kit, recorded: Recorded) -> None:
    """A changed expiry alert rule resolves the alerts it would not raise any more."""
    await kit.caught_up(await kit.house.log.head())
    await settle_rule(kit.house, reacting(kit.house, "alert-rules", recorded))


async def judge_sealing(kit: Kit, context: Context) -> None:
    """Sealing that was stopped, or is late, raises an alert; when it goes on, that resolves it."""
    state = await kit.sealing.state()
    stopped = f"The ledger does not hold, so sealing was stopped: {state.stopped}." if state.stopped else None
    late = None if state.stopped else state.late  # being late is part of being stopped
    for kind, message in ((AlertKind.LEDGER_MISMATCH, stopped), (AlertKind.LEDGER_CHECK_LATE, late)):
        part = context.part(kind.value)
        if message is not None:
            await raise_alert(kit.house, part, kind, "sealing", message)
        else:
            await resolve_cause(kit.house, part, kind, "sealing")


async def judge_syslog(kit: Kit, context: Context) -> None:
    """A syslog receiver that lacks events for too long raises an alert; once it has them, that is resolved."""
    late = (await kit.syslog.state()).late if kit.syslog else None
    if late is not None:
        await raise_alert(kit.house, context, AlertKind.SYSLOG_BEHIND, "syslog", late)
    else:
        await resolve_cause(kit.house, context, AlertKind.SYSLOG_BEHIND, "syslog")


async def judge_webhook(kit: Kit, recorded: Recorded) -> None:
    """A webhook that was disabled because its receiver is gone or takes nothing raises an alert; enabling or removing
    it resolves it.
    """
    await _judge(kit, "alert-webhook", WEBHOOK, recorded, _settle_webhook)


async def _settle_webhook(kit: Kit, context: Context, webhook: Loaded[Webhook]) -> None:
    state = webhook.found
    given_up = not state.removed and state.disabled_reason in {DisabledReason.GONE, DisabledReason.FAILING}
    message = f"The webhook to {state.subscription.url} is disabled: no event is sent there." if given_up else None
    await _settle(kit, context, AlertKind.WEBHOOK_DISABLED, webhook.id, message)


async def _judge(
    kit: Kit,
    name: str,
    kind: AggregateType[S],
    recorded: Recorded,
    settle: Callable[[Kit, Context, Loaded[S]], Awaitable[None]],
) -> None:
    """Settle the alerts of an aggregate, until it has not changed while that was done."""
    context = reacting(kit.house, name, recorded)
    seen = await load(kit.house, kind, recorded.stream_id)
    while True:
        await settle(kit, context.part(seen.version), seen)
        now = await load(kit.house, kind, recorded.stream_id)
        if now.version == seen.version:
            return
        seen = now


async def _settle(kit: Kit, context: Context, kind: AlertKind, subject_id: UUID, message: str | None) -> None:
    """Raise with a message, resolve without one."""
    if message is not None:
        await raise_alert(kit.house, context, kind, str(subject_id), message, subject_id)
        return
    await kit.caught_up(await kit.house.log.head())
    await resolve_cause(kit.house, context, kind, str(subject_id))


async def _what(kit: Kit, connector: Loaded[Connector]) -> str:
    state = connector.found
    certificate = await load(kit.house, CERTIFICATE, state.certificate_id)
    target = await load(kit.house, TARGET_SYSTEM, state.target_system_id)
    where = target.found.name + (f" ({state.profile})" if state.profile else "")
    return f"{certificate.found.facts.common_name} on {where}"
