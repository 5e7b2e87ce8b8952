"""Forgetting what is no history and has become old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.postgres_ops.database import OpsDatabase
from application.ports import LogUnavailable
from projections.stopping import stop_if_asked

EVERY_SECONDS = 3600.0
_LEASES = """
DELETE FROM ops.assignments a WHERE granted_at < now() - interval '30 days' AND NOT EXISTS (
    SELECT FROM ops.target_leases l WHERE l.assignment_id = a.assignment_id AND l.expires_at > now())
"""
_JOBS = """
DELETE FROM procrastinate.procrastinate_jobs j WHERE j.status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS (
    SELECT FROM procrastinate.procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - interval '30 days')
"""
_STATEMENTS = (
    # An answer is repeated for a day at least (api contract); afterwards the ledger still knows the command.
    "DELETE FROM ops.idempotency WHERE claimed_at < now() - interval '2 days'",
    # An order's validation takes minutes; what it left after a month was never cleaned up.
    "DELETE FROM ops.acme_challenges WHERE shown_at < now() - interval '30 days'",
    # A nonce is good for an hour; afterwards its age alone refuses it.
    "DELETE FROM ops.acme_spent_nonces WHERE spent_at < now() - interval '2 hours'",
    "DELETE FROM ops.acme_rates WHERE began_at < now() - interval '1 day'",
    # Whoever is to be asked again was asked within a day; the rest was renewed, revoked or has expired.
    "DELETE FROM ops.renewal_suggestions WHERE again_at < now() - interval '30 days'",
    # The longest schedule of its own is a week.
    "DELETE FROM ops.verification_looks WHERE looked_at < now() - interval '30 days'",
    "DELETE FROM ops.errands WHERE done_at < now() - interval '30 days'",
    # A look from a bridge was judged as soon as it was answered.
    "DELETE FROM ops.errands WHERE kind = 'verification' AND done_at < now() - interval '1 day'",
    # Nobody sets the follower of the reactions back by a month.
    "DELETE FROM ops.reactions WHERE queued_at < now() - interval '30 days'",
    "DELETE FROM ops.webhook_deliveries WHERE created_at < now() - interval '30 days' AND status <> 'pending'",
    "DELETE FROM ops.notifications WHERE created_at < now() - interval '30 days' AND status <> 'pending'",
    _LEASES,
    _JOBS,
)
_RESULTS = "DELETE FROM ops.verification_results WHERE kept_at < now() - make_interval(days => %s)"
_log = logging.getLogger(__name__)


async def prune(database: OpsDatabase, keep_days: int, *, held: bool = False) -> None:
    """Once. `keep_days`: how long the observations of verification runs are kept; the ledger keeps their digests.
    `held`: a legal hold keeps everything, these observations too.
    """
    for statement in _STATEMENTS:
        await database.rows(statement)
    if not held:
        await database.rows(_RESULTS, (keep_days,))


async def prune_for_ever(database: OpsDatabase, keep_days: int, is_held: Callable[[], Awaitable[bool]]) -> None:
    """Every hour; harmless where several processes do it. `is_held`: does a legal hold keep everything?"""
    while True:
        try:
            await prune(database, keep_days, held=await is_held())
        except LogUnavailable as error:
            stop_if_asked(error)
            _log.warning("old entries could not be pruned: %s", error)
        await asyncio.sleep(EVERY_SECONDS)
