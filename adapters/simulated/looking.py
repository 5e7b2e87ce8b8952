"""Challenges whose outcome is known beforehand."""

from domain.acme_order import Answered, ChallengeFlaw


class SimulatedLooker:
    """`application.acme_ports.ChallengeLooker`: every challenge is met but those of names in `flaws`."""

    def __init__(self) -> None:
        self.flaws: dict[str, ChallengeFlaw] = {}
        self.looks: list[tuple[str, str]] = []

    async def look(self, name: str, token: str, answered: Answered) -> ChallengeFlaw | None:
        """See ChallengeLooker.look."""
        self.looks.append((name, token))
        assert answered.key_authorization.startswith(f"{token}.")
        return self.flaws.get(name)
