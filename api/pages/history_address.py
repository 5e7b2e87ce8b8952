"""Where the history of an endpoint is shown."""

from urllib.parse import urlencode


def history_of(endpoint: str, server_name: str | None) -> str:
    """The address of the history of one place."""
    asked = {"endpoint": endpoint} | ({"server_name": server_name} if server_name else {})
    return f"/endpoint-history?{urlencode(asked)}"
