"""`courier.toml`: which certificates this host wants, from which service, and where they go."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from bridge.config import Argv, ConfigRefused, Seconds
from bridge.paths import PathRefused, check_path, is_profile_name

_Name = Annotated[str, Meta(min_length=1, max_length=253)]
KeyAlgorithm = Literal["ec-256", "ec-384", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519"]
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One certificate. `directory` must be there; `current/fullchain.pem` and `current/privkey.pem` appear in it.

    `test` and `reload` are lists, run without a shell, with `{place}` standing for the directory; what fails is
    rolled back. `renew_after`: the part of its lifetime after which it is renewed, where the service names no window.
    """

    directory: str
    names: Annotated[tuple[_Name, ...], Meta(min_length=1, max_length=100)]
    key_algorithm: KeyAlgorithm = "ec-256"
    usage: Literal["server", "client", "both"] = "server"
    validity_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    provider: Literal["local_pki", "acme", "external_ca"] = "local_pki"
    provider_id: str | None = None
    renew_after: Annotated[float, Meta(gt=0, lt=1)] = 0.66
    test: Argv | None = None
    reload: Argv | None = None
    timeout_seconds: Seconds = 30


class CourierConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `token_file` holds an API token of a principal of kind `courier` with the role requester.

    `state`: a directory for keys of orders under way, 0700. `check_seconds`: from one look to the next. `wait_seconds`:
    how long one look waits for an order; it goes on with the next one.
    """

    url: str
    token_file: str
    ca_file: str | None = None
    state: str = "/var/lib/certferry-courier"
    check_seconds: Seconds = 3600
    wait_seconds: Seconds = 60
    keep_releases: Annotated[int, Meta(ge=1, le=100)] = 3
    certificates: Annotated[dict[str, Wanted], Meta(min_length=1)]


def read_courier_config(path: Path) -> CourierConfig:
    """The checked configuration. ConfigRefused names the file and the key, for an unknown key too."""
    try:
        config = msgspec.toml.decode(path.read_bytes(), type=CourierConfig)
        _check(config)
    except OSError as error:
        raise ConfigRefused(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, PathRefused) as error:
        raise ConfigRefused(f"The configuration {path} is refused: {error}.") from error
    return config


def _check(config: CourierConfig) -> None:
    parts = urlsplit(config.url)
    if not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
        raise PathRefused("url looks like https://host[:port]")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise PathRefused("the token travels by https only (http to this very host alone)")
    places = [wanted.directory for wanted in config.certificates.values()]
    for path in places:
        check_path(path)
    if len(set(places)) != len(places):
        raise PathRefused("two certificates go to one directory")
    for name in config.certificates:
        if not is_profile_name(name):
            raise PathRefused(f"{name!r} cannot name a certificate: letters, digits, `.`, `_`, `-`")


def read_token(config: CourierConfig) -> str:
    """The token. ConfigRefused; nothing of the file is in the sentence."""
    try:
        token = Path(config.token_file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigRefused(f"The token file {config.token_file} cannot be read.") from None
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise ConfigRefused(f"The token file {config.token_file} holds no token.")
    return token
