"""A prober that tells which endpoints took a whole handshake."""

from collections.abc import Sequence

from adapters.probing.prober import TlsProber
from application.probe_ports import Observation
from bridge.probing import prober as whole
from bridge.probing.policy import AddressPolicy, parse_networks
from bridge.protocol import Place
from domain.endpoint import Endpoint

LOOPBACK = AddressPolicy(parse_networks(["127.0.0.0/8", "::1"]))


class Noting(whole.TlsProber):
    """Notes what it is asked for."""

    def __init__(self, asked: list[str]) -> None:
        super().__init__(LOOPBACK)
        self.asked = asked

    async def probe_all(self, places: Sequence[Place], timeout: float) -> list[Observation]:
        self.asked += [str(Endpoint(each.host, each.port)) for each in places]
        return await super().probe_all(places, timeout)


class Counting(TlsProber):
    """Tells which endpoints took a whole handshake."""

    def __init__(self) -> None:
        super().__init__(LOOPBACK)
        self.asked: list[str] = []
        self.whole = Noting(self.asked)
