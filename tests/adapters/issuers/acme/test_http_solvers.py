"""What is shown to a CA over HTTP."""

from pathlib import Path

from adapters.issuers.acme.http_solvers import WELL_KNOWN, WebrootSolver
from adapters.issuers.acme.solvers import Challenge


async def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Shown once more, by another worker, it is replaced, not written anew: the CA may be reading it."""
    solver, challenge = WebrootSolver(tmp_path), Challenge("www.example.org", "token", "token.thumbprint")
    await solver.present(challenge)
    place, seen = tmp_path / WELL_KNOWN, tmp_path / "seen"
    seen.hardlink_to(place / "token")  # as a web server that has it open
    await solver.present(challenge._replace(value="another"))
    assert ("token.thumbprint", "another") == (seen.read_text(), (place / "token").read_text())
    assert ["token"] == [file.name for file in place.iterdir()]
    await solver.clean_up(challenge)
    assert [] == list(place.iterdir())
