"""`certferry replacements`: begun, followed to its end, listed; what cannot be is a sentence and an exit status."""

from pathlib import Path

from tests.api.cli.shell import Shell
from tests.support.postgres import Pg


def test_a_replacement_is_begun_and_followed(tmp_path: Path, pg: Pg) -> None:
    """Of an estate without such certificates nothing is left to do: it is complete as soon as it is planned."""
    shell = Shell(tmp_path, pg)
    worker = shell.start("work")
    try:
        wish = ("replacements", "start", "--issuer-key-id", "AB:CD", "--tag", "weak")
        done = shell.json(*wish, "--reason", "Its CA is compromised.", "--follow")
        assert ("completed", 0, 0) == (done["status"], done["certificates"], done["failed"])
        meant = shell.json(*wish, "--reason", "To see.", "--dry-run")
        assert {"certificates": 0, "not_orderable": 0} == meant
        assert [done] == shell.json("replacements", "list")
        assert done == shell.json("replacements", "show", done["id"])
        assert done == shell.json("replacements", "follow", done["id"])
        assert [] == shell.json("replacements", "failed", done["id"])
        late = shell.run("replacements", "cancel", done["id"])
        assert (1, "This replacement is completed; there is nothing left to cancel.\n") == (
            late.returncode,
            late.stderr,
        )
        vague = shell.run("replacements", "start", "--reason", "All of them.")
        assert vague.returncode == 1
        assert "Say which certificates" in vague.stderr
    finally:
        worker.terminate()
        worker.wait(timeout=30)
