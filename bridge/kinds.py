"""The kinds of target system a bridge can serve, with the shape of their settings and secrets.

The control plane shows them (through `bridge.protocol`) and checks settings against the schemas; the drivers decode the
very same Structs, so the two cannot drift apart.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bridge.store_kinds import AcmSettings, BarbicanSettings, KubernetesSettings, NoSecrets, StoreSettings

# `$(?!\n)`: in Python `$` alone also matches before a final line break; in JSON Schema's dialect the two are the same.
_Path = Annotated[
    str,
    Meta(
        pattern=r"^(/(?!\.{1,2}(/|$))[^/\u0000-\u001f\u007f]+)+$(?!\n)",
        max_length=1_024,
        description="Directory on the target that certferry writes below: absolute, no `.`, `..`, final `/`, links.",
    ),
]
_ReloadProfile = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Name of a reload profile in the bridge's own configuration. Commands never come from here.",
    ),
]
_Host = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9:_][A-Za-z0-9.:_-]{0,252}$(?!\n)", description="Host name or IP address.")
]
_User = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$(?!\n)", description="User to log in as.")]
_Port = Annotated[int, Meta(ge=1, le=65_535, description="TCP port of the SSH server.")]
_HostKey = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [ -~]*)?$(?!\n)",
        max_length=4_096,
        description="The target's SSH host key, one line in OpenSSH public key format. Any other key is refused.",
    ),
]
_SshKey = Annotated[
    str, Meta(max_length=32_768, description="Private key to log in with, OpenSSH or PKCS#8 PEM, no passphrase.")
]

_Password = Annotated[str, Meta(min_length=1, max_length=1_024, description="Password to log in with.")]
_StorePassword = Annotated[
    str, Meta(min_length=6, max_length=1_024, description="Password of the key store, as the service is configured.")
]


class LocalSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="transport", tag="local"
):
    """Files on the bridge's own host, below one of the roots of the bridge's configuration."""

    root: _Path
    reload_profile: _ReloadProfile


class SshSettings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="transport", tag="ssh"
):
    """Files on another host, over SSH and SFTP."""

    root: _Path
    reload_profile: _ReloadProfile
    host: _Host
    username: _User
    host_key: _HostKey
    port: _Port = 22


FilesSettings = LocalSettings | SshSettings


class FilesSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Needed for the `ssh` transport only."""

    ssh_private_key: _SshKey | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return "FilesSecrets()"


class RedisSecrets(FilesSecrets, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With the password of the user that may CONFIG SET, where there is one."""

    password: _Password | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return "RedisSecrets()"


class TomcatSecrets(FilesSecrets, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With the password of the key store, and that of the manager application's user."""

    keystore_password: _StorePassword
    manager_password: _Password | None = None

    def __repr__(self) -> str:
        """Show no secret."""
        return "TomcatSecrets()"


class TargetKind(msgspec.Struct, frozen=True, kw_only=True):
    """What the control plane must know of a kind of target system.

    `cloud` targets take server certificates with a stored private key only. `endpoint_csr`: the key can be made on the
    target. `profiles`: several places on one target. The schemas are JSON Schema 2020-12 documents.
    """

    kind: str
    cloud: bool
    endpoint_csr: bool
    profiles: bool
    settings_schema: dict[str, Any]
    secrets_schema: dict[str, Any]


_SECRETS: dict[str, type[FilesSecrets]] = {"redis": RedisSecrets, "tomcat": TomcatSecrets}


def secrets_of(kind: str) -> type[FilesSecrets]:
    """The shape of a kind's secrets."""
    return _SECRETS.get(kind, FilesSecrets)


def _files_kind(kind: str) -> TargetKind:
    return TargetKind(
        kind=kind,
        cloud=False,
        endpoint_csr=True,
        profiles=True,
        settings_schema=msgspec.json.schema(FilesSettings),
        secrets_schema=msgspec.json.schema(secrets_of(kind)),
    )


_NAMES = (
    "apache2",
    "caddy",
    "dovecot",
    "files",
    "haproxy",
    "mariadb",
    "nginx",
    "postfix",
    "postgresql",
    "redis",
    "slapd",
    "tomcat",
)


def _store_kind(kind: str, settings: type[StoreSettings], *, cloud: bool) -> TargetKind:
    return TargetKind(
        kind=kind,
        cloud=cloud,
        endpoint_csr=False,
        profiles=True,
        settings_schema=msgspec.json.schema(settings),
        secrets_schema=msgspec.json.schema(NoSecrets),
    )


FILES_KINDS: dict[str, TargetKind] = {kind: _files_kind(kind) for kind in _NAMES}
STORE_KINDS: dict[str, TargetKind] = {
    "aws_acm": _store_kind("aws_acm", AcmSettings, cloud=True),
    "barbican": _store_kind("barbican", BarbicanSettings, cloud=True),
    "kubernetes": _store_kind("kubernetes", KubernetesSettings, cloud=False),
}
KINDS: dict[str, TargetKind] = FILES_KINDS | STORE_KINDS
"""By name. `files` is any service that reads PEM files; the others know more of theirs (docs/reference/kinds.md)."""
