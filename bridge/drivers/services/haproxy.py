"""HAProxy: certificate and key in one file, and its runtime API (HAProxy Management Guide, 9.3), without a reload.

The name that `crt` has in HAProxy's configuration must be `<place>/current/combined.pem`. What the API is given lasts
until HAProxy ends; the file is there for the next start.
"""

import hashlib
import posixpath
import re
import ssl

from bridge.drivers import releases
from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host
from bridge.drivers.judging import judge_pair
from bridge.drivers.pair import Pair, leaf_of
from bridge.drivers.place import Place
from bridge.drivers.service import Derived, Service
from bridge.drivers.services.talking import exchange
from bridge.protocol import FailureCause

COMBINED = "combined.pem"
_NAME = re.compile(r"[A-Za-z0-9._/+@=-]+")
_SHOWN = re.compile(r"^SHA1 FingerPrint: ([0-9A-F]{40})$", re.MULTILINE)


def _combined(pair: Pair, _place: Place) -> bytes:
    return pair.fullchain + pair.private_key


def _is_combined(content: bytes, pair: Pair, place: Place) -> bool:
    return content == _combined(pair, place)


async def _take(host: Host, place: Place) -> str:
    name = posixpath.join(place.directory, "current", COMBINED)
    if _NAME.fullmatch(name) is None:
        raise _refused(f"the name {name!r} cannot be told to the runtime API")
    directory = await releases.directory_in_use(host, place.directory)
    content = (await host.read(posixpath.join(directory, COMBINED))).decode("ascii")
    said = await _say(host, place, f"set ssl cert {name} <<\n{content}\n")
    if "Transaction" not in said:
        raise _refused(said)
    said = await _say(host, place, f"commit ssl cert {name}\n")
    if "Success!" not in said:
        await _say(host, place, f"abort ssl cert {name}\n")
        raise DriverFailure(judge_pair(said, place.directory), f"HAProxy refuses: {said}")
    await _check_shown(host, place, name, content)
    return said


async def _check_shown(host: Host, place: Place, name: str, content: str) -> None:
    """`show ssl cert` is a second witness: `commit` without words of refusal is not enough."""
    said = await _say(host, place, f"show ssl cert {name}\n")
    shown, leaf = _SHOWN.search(said), leaf_of(content.encode())
    if shown is None or leaf is None or shown[1].lower() != _sha1(leaf[1]):
        raise _refused(f"after the commit it shows {shown[1] if shown else said}")


def _sha1(pem: str) -> str:
    return hashlib.sha1(ssl.PEM_cert_to_DER_cert(pem), usedforsecurity=False).hexdigest()


async def _say(host: Host, place: Place, command: str) -> str:
    """One command on a connection of its own, which HAProxy ends after its answer."""
    assert place.reload.api is not None
    return (await exchange(host, place.reload.api, command.encode("ascii"))).decode("utf-8", "replace").strip()


def _refused(why: str) -> DriverFailure:
    return DriverFailure(FailureCause.SERVICE_RELOAD_FAILED, f"HAProxy refuses: {why}")


HAPROXY = Service(judge_pair, (Derived(COMBINED, _combined, _is_combined),), _take)
