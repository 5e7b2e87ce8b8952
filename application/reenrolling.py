"""A new one-time token for a bridge that is known already: its host was set up anew, its certificate ran out, or it was
quarantined.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from application.enrolling import IssuedToken, token_hash
from application.house import Attempt, Context, Done, House, carry_out, check_version, load, shown_once, write
from domain.bridge import BRIDGE, BridgeEnrolmentIssued, BridgeStatus
from domain.errors import Code, Refused


async def issue_enrolment_again(house: House, context: Context, bridge_id: UUID) -> Done[IssuedToken]:
    """Another token for the same bridge; until it is spent, the bridge goes on with the certificate it has. Whoever
    enrols with it has to be approved again.
    """
    token = f"{bridge_id}.{secrets.token_urlsafe(32)}"
    expires_at = context.at + timedelta(seconds=house.settings.enrolment_seconds)

    async def attempt() -> Attempt[IssuedToken]:
        bridge = await load(house, BRIDGE, bridge_id)
        check_version(context, bridge)
        if bridge.found.status is BridgeStatus.RETIRED:
            raise Refused(Code.INVALID_TRANSITION, f"{bridge.found.name} is {bridge.found.status.value}.")
        event = BridgeEnrolmentIssued(
            meta=context.meta, name=bridge.found.name, token_sha256=token_hash(token), expires_at=expires_at
        )
        return Attempt((write(bridge, (event,)),), IssuedToken(bridge.after((event,)), token, expires_at))

    return await carry_out(house, context, attempt, subject_id=bridge_id, action="bridge.issue", again=shown_once)
