"""Challenges whose outcome is known beforehand."""

from uuid import UUID

from application.acme_ports import Patience
from domain.acme_order import Authorization, ChallengeFlaw


class SimulatedLooker:
    """`application.acme_ports.ChallengeLooker`: every challenge is met but those of names in `flaws`."""

    def __init__(self, patience: Patience = Patience(seconds=0, pause=0)) -> None:
        self.patience = patience
        self.flaws: dict[str, ChallengeFlaw] = {}
        self.looks: list[tuple[str, str]] = []

    async def look(self, account_id: UUID, found: Authorization) -> ChallengeFlaw | None:  # noqa: ARG002 - asks nobody
        """See ChallengeLooker.look."""
        self.looks.append((found.identifier, found.token))
        assert found.answered is not None
        assert found.answered.key_authorization.startswith(f"{found.token}.")
        return self.flaws.get(found.identifier)
