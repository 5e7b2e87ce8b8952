"""Settings of targets that are stores. They name an entry of the bridge's configuration, which has the credentials."""

from typing import Annotated

import msgspec
from msgspec import Meta

_Entry = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)",
        description="Name in the bridge's own configuration. Addresses and credentials never come from here.",
    ),
]
_Tag = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9 +=._:/@-]{1,255}$(?!\n)",
        description="Which certificate: the one whose tag `certferry:place` has this value, or a new one.",
    ),
]
_Container = Annotated[
    str, Meta(pattern=r"^[^\u0000-\u001f\u007f]{1,255}$(?!\n)", description="Name of the certificate container.")
]
_Namespace = Annotated[
    str, Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$(?!\n)", description="Namespace (RFC 1123 label).")
]
_Secret = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$(?!\n)",
        description="Name of the Secret of type kubernetes.io/tls (RFC 1123 subdomain).",
    ),
]


class AcmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AWS Certificate Manager. Re-imported under the same ARN, which load balancers name."""

    account: _Entry
    place: _Tag


class BarbicanSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OpenStack Barbican. Containers cannot be changed: each push makes one, the newest of the name is in use."""

    cloud: _Entry
    container: _Container


class KubernetesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Secrets of type kubernetes.io/tls in one namespace; a profile is the name of another Secret there."""

    cluster: _Entry
    namespace: _Namespace
    secret: _Secret


StoreSettings = AcmSettings | BarbicanSettings | KubernetesSettings


class NoSecrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credentials are in the bridge's own configuration."""
