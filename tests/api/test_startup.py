"""Starting is fast because little is loaded: nothing that only some commands, or nobody here, needs."""

import subprocess
import sys

UNWANTED = ("pydantic", "prometheus_client", "psycopg", "procrastinate", "asyncssh", "rich", "httpx", "jsonschema")


def test_the_api_loads_no_more_than_it_needs() -> None:
    """Litestar takes pydantic up where it is there; the figures' library comes with the first question for them."""
    code = f"import sys, api.app; print([name for name in {UNWANTED!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
