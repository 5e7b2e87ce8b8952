"""Personal texts on a terminal: opened with the master key of this machine, looked for when there is one to open."""

from collections.abc import Iterable
from pathlib import Path

from api.cli.printing import settings_of


class Opening:
    """What `application.opening` and `api.opening` need of application.personal.PersonalTexts, for one command."""

    def __init__(self, config: Path | None) -> None:
        self._config = config

    async def open(self, sealed: Iterable[str]) -> dict[str, str]:
        """What to show for each sealed text."""
        from adapters.bootstrap import open_texts

        async with open_texts(settings_of(self._config)) as texts:
            return await texts.open(sealed)
