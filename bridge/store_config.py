"""What `bridge.toml` says of stores: where they are, and which file of the owner's holds the credentials for them.

The control plane names an entry by its key and learns nothing else of it: neither address nor credential ever comes
from there or goes there.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

_Text = Annotated[str, Meta(min_length=1, max_length=1_024)]
_File = Annotated[str, Meta(pattern=r"^/[^\u0000]*$", max_length=4_096)]
_Url = Annotated[str, Meta(pattern=r"^https?://[!-~]+$(?!\n)", max_length=2_048)]
_Seconds = Annotated[float, Meta(gt=0, le=600)]


class AwsAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of AWS in one region.

    Without `credentials_file` and `profile`, the AWS SDK's own order of looking holds: environment, shared files, the
    role of the machine. `endpoint_url` and `ca_file`: for a private endpoint.
    """

    region: _Text
    credentials_file: _File | None = None
    profile: _Text | None = None
    endpoint_url: _Url | None = None
    ca_file: _File | None = None
    timeout_seconds: _Seconds = 30


class OpenStackCloud(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cloud of a `clouds.yaml` (OpenStack's own format), with an application credential.

    `endpoint_url`: the key manager's, where the service catalogue does not name it.
    """

    clouds_file: _File
    cloud: _Text
    endpoint_url: _Url | None = None
    timeout_seconds: _Seconds = 30


class KubernetesCluster(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cluster of a kubeconfig file. `namespaces`: those that may be written to; none given = those the token may.

    `take_over`: fields that somebody else applied are overwritten, where the server would refuse (409).
    """

    kubeconfig: _File
    context: _Text | None = None
    namespaces: tuple[_Text, ...] = ()
    take_over: bool = False
    timeout_seconds: _Seconds = 30
