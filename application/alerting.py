"""Alerts: raised once per cause, acknowledged, resolved."""

from uuid import UUID

from application.house import (
    Attempt,
    Context,
    Done,
    House,
    Loaded,
    carry_out,
    check_version,
    load,
    reading_back,
    write,
)
from application.personal import sealed
from domain import alert, ids
from domain.alert import ALERT, Alert, AlertKind, AlertRaised


async def raise_alert(
    house: House, context: Context, kind: AlertKind, cause: str, message: str, subject_id: UUID | None = None
) -> Done[Loaded[Alert]]:
    """Raise an alert unless one is open for this cause."""
    cause = f"{kind.value}:{cause}"

    async def attempt() -> Attempt[Loaded[Alert]]:
        ordinal = max(await house.hints.latest_alert_ordinal(cause), 1)
        latest = await load(house, ALERT, ids.alert_id(cause, ordinal))
        while latest.state is not None and not latest.state.open:
            ordinal += 1
            latest = await load(house, ALERT, ids.alert_id(cause, ordinal))
        if latest.state is not None:
            return Attempt((), latest)
        event = AlertRaised(
            meta=context.meta, kind=kind, cause=cause, ordinal=ordinal, message=message, subject_id=subject_id
        )
        return Attempt((write(latest, (event,)),), latest.after((event,)))

    return await carry_out(house, context, attempt, subject_id=ids.alert_id(cause, 1), action="alert.raise")


async def raise_once(
    house: House,
    context: Context,
    kind: AlertKind,
    cause: str,
    message: str,
    subject_id: UUID,
) -> Done[Loaded[Alert]]:
    """Raise an alert unless there ever was one for this cause."""
    cause = f"{kind.value}:{cause}"
    alert_id = ids.alert_id(cause, 1)

    async def attempt() -> Attempt[Loaded[Alert]]:
        known = await load(house, ALERT, alert_id)
        if known.state is not None:
            return Attempt((), known)
        event = AlertRaised(
            meta=context.meta,
            kind=kind,
            cause=cause,
            ordinal=1,
            message=message,
            subject_id=subject_id,
        )
        return Attempt((write(known, (event,)),), known.after((event,)))

    return await carry_out(house, context, attempt, subject_id=alert_id, action="alert.raise")


async def resolve_cause(house: House, context: Context, kind: AlertKind, cause: str) -> None:
    """What was wrong is right again: resolve the open alerts of a cause."""
    for alert_id in await house.hints.open_alerts(f"{kind.value}:{cause}"):
        await resolve_alert(house, context.part(alert_id), alert_id)


async def acknowledge_alert(
    house: House, context: Context, alert_id: UUID, comment: str | None = None
) -> Done[Loaded[Alert]]:
    """Somebody looks after it."""

    async def attempt() -> Attempt[Loaded[Alert]]:
        known = await load(house, ALERT, alert_id)
        check_version(context, known)
        events = alert.acknowledge(known.found, context.meta, await sealed(house.texts, context.actor, comment))
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, ALERT, alert_id)
    return await carry_out(house, context, attempt, subject_id=alert_id, action="alert.acknowledge", again=again)


async def resolve_alert(
    house: House, context: Context, alert_id: UUID, comment: str | None = None
) -> Done[Loaded[Alert]]:
    """No longer of concern."""

    async def attempt() -> Attempt[Loaded[Alert]]:
        known = await load(house, ALERT, alert_id)
        check_version(context, known)
        events = alert.resolve(known.found, context.meta, await sealed(house.texts, context.actor, comment))
        return Attempt((write(known, events),), known.after(events))

    again = reading_back(house, ALERT, alert_id)
    return await carry_out(house, context, attempt, subject_id=alert_id, action="alert.resolve", again=again)
