"""`bridge.toml`: what the owner of the bridge's host allows. Nothing in it ever comes from the control plane."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bridge.paths import PathRefused, check_path

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Argv = Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]


class ConfigRefused(Exception):
    """The configuration cannot be used; the sentence says what and where."""


class ReloadProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one service takes a new certificate: `test` its configuration, then `reload` it. Lists, never a shell.

    `{place}` inside an element stands for the directory that holds `current`. A command that is absent is skipped.
    """

    test: Argv | None = None
    reload: Argv | None = None
    timeout_seconds: Seconds = 30


class SshConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the bridge reaches targets over SSH. `connections_per_host` stays below sshd's MaxStartups (10)."""

    connect_timeout_seconds: Seconds = 10
    operation_timeout_seconds: Seconds = 30
    connections_per_host: Annotated[int, Meta(ge=1, le=64)] = 4
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3


class DryRunTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A target for `certferry-bridge test`. The secret is named by file, so that it is in no configuration."""

    kind: str
    settings: dict[str, Any]
    profile: str | None = None
    ssh_private_key_file: str | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `roots`: directories on this host that local targets may lie in; none = no local targets.

    `remote_roots` limits targets over SSH the same way; none given = anywhere that the SSH user may write.
    `stop_seconds`: how long work may go on after a SIGTERM; `retry_seconds`: the longest pause between attempts to
    reach the control plane.
    """

    roots: tuple[str, ...] = ()
    remote_roots: tuple[str, ...] = ("/",)
    profiles: dict[str, ReloadProfile] = {}
    poll_seconds: Annotated[float, Meta(ge=0, le=60)] = 20
    heartbeat_seconds: Seconds = 5
    concurrency: Annotated[int, Meta(ge=1, le=100)] = 4
    keep_releases: Annotated[int, Meta(ge=1, le=100)] = 3
    stop_seconds: Seconds = 30
    retry_seconds: Seconds = 30
    ssh: SshConfig = SshConfig()
    targets: dict[str, DryRunTarget] = {}


def read_config(path: Path) -> Config:
    """The checked configuration. ConfigRefused names the file and the key, for an unknown key too."""
    try:
        config = msgspec.toml.decode(path.read_bytes(), type=Config)
        for root in (*config.roots, *config.remote_roots):
            check_path(root)
    except OSError as error:
        raise ConfigRefused(f"The configuration {path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, PathRefused) as error:
        raise ConfigRefused(f"The configuration {path} is refused: {error}.") from error
    return config
