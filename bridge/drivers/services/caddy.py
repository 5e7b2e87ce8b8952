"""Caddy: its configuration loads the files (`tls.certificates.load_files`), its admin API makes it load them anew.

The configuration that runs is asked for and given back with `Cache-Control: must-revalidate`, which is what
`caddy reload --force` does. Caddy keeps the old one where the new one cannot be used. The private key is in files only:
what the admin API shows names them.
"""

from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host
from bridge.drivers.judging import judge_pair
from bridge.drivers.place import Place
from bridge.drivers.service import Service
from bridge.drivers.services.talking import ask
from bridge.protocol import FailureCause

_JSON = ("Content-Type", "application/json")


async def _take(host: Host, place: Place) -> str:
    api = place.reload.api
    assert api is not None
    status, configuration = await ask(host, api, "GET", "/config/")
    if status != 200 or configuration.strip() == b"null":
        raise DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"Caddy shows no configuration (status {status}).")
    headers = (_JSON, ("Cache-Control", "must-revalidate"))
    status, body = await ask(host, api, "POST", "/load", headers=headers, content=configuration)
    if status != 200:
        said = body.decode("utf-8", "replace")
        raise DriverFailure(judge_pair(said, place.directory), f"Caddy refuses (status {status}): {said}")
    return "Caddy has loaded its configuration anew."


CADDY = Service(judge_pair, call=_take)
