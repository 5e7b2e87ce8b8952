"""What the demo shows: one line per step while it starts, then where to go and what to try."""

import os
import sys
import webbrowser
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

if TYPE_CHECKING:
    from adapters.demo.showing import DemoReady

_TRY = (
    "Open {url} and sign in by pasting a token (requester, approver, implementer ... each sees other buttons).",
    "Look at www.example.com: one connector deployed, one awaiting approval, one in review, one failed, one planned.",
    "As approver, approve the push to the intranet; as implementer, implement it: nginx serves it seconds later.",
    "As lead, who may do all three, try to approve what you requested: four eyes hold.",
    'Your turn: the target system "Your turn" is served at {spare} and belongs to nobody\'s push yet.',
    "Every call by hand: {url}/docs",
)


class DemoScreen:
    """The terminal; without one, plain lines. Notes go to standard error, the panel to standard output."""

    def __init__(self, *, browser: bool) -> None:
        self._browser = browser
        self._notes = Console(stderr=True)
        self._out = Console()

    def step(self, sentence: str) -> None:
        """A step begins."""
        self._notes.print(Text(f"· {sentence}", style="dim"), soft_wrap=True)

    def note(self, sentence: str) -> None:
        """Something happened meanwhile."""
        self._notes.print(Text(sentence), soft_wrap=True)

    def ready(self, found: "DemoReady") -> None:
        """Everything runs. What one may want to copy is never broken over two lines."""
        facts = {
            "Address": found.base_url,
            "Web servers": found.web_servers,
            "CA of clients": str(found.ca_pem_path),
            "Data": str(found.directory),
        }
        self._out.print(Panel(_what_to_try(found), title="What to try", border_style="green", expand=False))
        for name, value in (*facts.items(), *found.tokens.items()):
            self._out.print(Text(f"{name:<15}", style="bold").append(value, style="not bold"), soft_wrap=True)
        self._out.print(Text("Ctrl-C stops everything.", style="dim"))
        sys.stdout.flush()
        if self._browser and sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(found.base_url)


def _what_to_try(found: "DemoReady") -> Text:
    lines = [line.format(url=found.base_url, spare=found.spare) for line in _TRY]
    return Text("\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1)))
