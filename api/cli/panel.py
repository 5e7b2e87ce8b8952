"""What the demo shows: one line per step while it starts, then where to go and what to try."""

import os
import sys
import webbrowser
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from adapters.demo.running import DemoReady

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
        self._notes.print(Text(f"· {sentence}", style="dim"))

    def note(self, sentence: str) -> None:
        """Something happened meanwhile."""
        self._notes.print(Text(sentence))

    def ready(self, found: "DemoReady") -> None:
        """Everything runs."""
        table = Table.grid(padding=(0, 2))
        for name, token in found.tokens.items():
            table.add_row(Text(name, style="bold"), Text(token, no_wrap=True, overflow="ignore"))
        self._out.print(Panel(_text(found), title="certferry demo", border_style="green", expand=False))
        self._out.print(table, soft_wrap=True)
        self._out.print(Text("Ctrl-C stops everything.", style="dim"))
        sys.stdout.flush()
        if self._browser and sys.stdout.isatty() and (os.environ.get("DISPLAY") or sys.platform == "darwin"):
            webbrowser.open(found.base_url)


def _text(found: "DemoReady") -> Text:
    text = Text()
    text.append("Address       ", style="bold").append(f"{found.base_url}\n")
    text.append("Web servers   ", style="bold").append(f"{found.web_servers}\n")
    text.append("CA of clients ", style="bold").append(f"{found.ca_pem_path}\n")
    text.append("Data          ", style="bold").append(f"{found.directory}\n\n")
    text.append("What to try\n", style="bold")
    for number, line in enumerate(_TRY, start=1):
        text.append(f" {number}. {line.format(url=found.base_url, spare=found.spare)}\n")
    return text
