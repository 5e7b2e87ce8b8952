"""Redis: `CONFIG SET tls-cert-file ... tls-key-file ...` over its own protocol (RESP2), without a restart.

A value that is the old one changes nothing in Redis, so it is told the release's own path. Its configuration file names
`<place>/current/...`, for the next start.
"""

import posixpath

import asyncssh

from bridge.drivers import releases
from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host, Stream
from bridge.drivers.judging import judge_pair
from bridge.drivers.place import Place
from bridge.drivers.service import Service
from bridge.drivers.services.talking import broken, check_length
from bridge.kinds import RedisSecrets


async def _take(host: Host, place: Place) -> str:
    directory = await releases.directory_in_use(host, place.directory)
    chain, key = (posixpath.join(directory, name) for name in (releases.FULLCHAIN, releases.PRIVATE_KEY))
    api = place.reload.api
    assert api is not None
    async with host.stream(api) as stream:
        try:
            await _log_in(stream, place, api)
            await _say(stream, place, api, "CONFIG", "SET", "tls-cert-file", chain, "tls-key-file", key)
        except (OSError, asyncssh.Error) as error:
            raise broken(api, error) from error
    return f"Redis uses {directory}."


async def _log_in(stream: Stream, place: Place, api: str) -> None:
    assert isinstance(place.secrets, RedisSecrets)
    if (password := place.secrets.password) is not None:
        user = () if place.reload.api_user is None else (place.reload.api_user,)
        await _say(stream, place, api, "AUTH", *user, password)


async def _say(stream: Stream, place: Place, api: str, *words: str) -> None:
    encoded = [word.encode() for word in words]
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
    await stream.write(b"*%d\r\n%s" % (len(words), parts))
    answer = b""
    while not answer.endswith(b"\r\n"):
        if not (data := await stream.read()):
            raise OSError("the connection ended before an answer")
        answer += data
        check_length(len(answer), api)
    if answer != b"+OK\r\n":
        said = answer.decode("utf-8", "replace")
        raise DriverFailure(judge_pair(said, place.directory), f"Redis refuses {words[0]}: {said}")


REDIS = Service(judge_pair, call=_take)
