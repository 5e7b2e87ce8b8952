"""Looking at what endpoints serve, seen from the bridge: with the control plane's own prober, and only inside `verify`
of the bridge's own configuration.
"""

import msgspec

from bridge.config import Config
from bridge.drivers.failure import DriverFailure
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.probing.prober import TlsProber
from bridge.probing.sweeping.prober import SweepingProber
from bridge.protocol import Assignment, FailureCause, VerificationRequest, VerificationSettings

KIND = "verification"


class Lookout:
    """Compares nothing, and decides nothing: it tells what it saw."""

    def __init__(self, config: Config) -> None:
        self._allowed = bool(config.verify)
        policy = AddressPolicy(parse_networks(config.verify), only_listed=True)
        self._prober = SweepingProber(TlsProber(policy))

    async def look(self, assignment: Assignment) -> VerificationRequest:
        """What every place serves. Raises DriverFailure where nothing can be looked at."""
        if not self._allowed:
            message = "The bridge's configuration (verify) allows no network to be looked at."
            raise DriverFailure(FailureCause.PERMISSION_DENIED, message)
        try:
            wanted = msgspec.convert(assignment.target.settings, VerificationSettings)
        except msgspec.ValidationError as error:
            raise DriverFailure(FailureCause.UNKNOWN, f"What is to be looked at is refused: {error}.") from None
        seen = await self._prober.probe_all(wanted.places, wanted.timeout_seconds)
        return VerificationRequest(
            assignment_id=assignment.assignment_id, fence=assignment.fence, observations=tuple(seen)
        )
