"""What is committed runs anywhere: no trace of one workplace, no key, no host of a package registry."""

import re

import pytest

from tests.architecture.tree import ROOT, committed_files

# Written in pieces, so that this file does not find itself.
TRACES = {
    "the host of a package registry": r"py" + r"pi\.org|python" + r"hosted\.org|registry\.np" + r"mjs",
    "a directory of one workplace": r"/work/" + r"(?:main|shared|notes|bin)\b|/root/" + r"\.py" + r"env|/home/[a-z]",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE" + r" KEY-----\n[A-Za-z0-9+/=\n]{64,}",
}
FOREIGN = ("api/static/vendor/",)


@pytest.mark.parametrize("what", TRACES)
def test_no_committed_file_holds(what: str) -> None:
    """A clone builds, runs and reads the same everywhere, and gives nothing away."""
    pattern = re.compile(TRACES[what])
    own = [path for path in committed_files() if not path.as_posix().startswith(FOREIGN)]
    assert [] == [path.as_posix() for path in own if pattern.search((ROOT / path).read_text(errors="replace"))]


def test_the_resolver_s_own_lock_is_not_committed() -> None:
    """`uv.lock` names registry hosts; `requirements.lock` names hashes (docs/adr/0004)."""
    assert [] == [path for path in committed_files() if path.name == "uv.lock"]
