"""Where on which target an assignment goes, from its settings and from what the bridge's owner allows."""

import posixpath

import msgspec

from bridge.config import Config, ReloadProfile
from bridge.drivers.failure import DriverFailure
from bridge.kinds import FilesSecrets, FilesSettings, LocalSettings, secrets_of
from bridge.paths import PathRefused, check_profile, check_root
from bridge.protocol import Assignment, FailureCause, SealedContent


class Place(msgspec.Struct, frozen=True):
    """A checked place: `directory` holds `current` and `releases`; `reload` is the bridge's own profile."""

    settings: FilesSettings
    secrets: FilesSecrets
    root: str
    directory: str
    reload: ReloadProfile
    profile: str | None = None


def place_of(assignment: Assignment, content: SealedContent, config: Config) -> Place:
    """The place an assignment names. DriverFailure when its settings are wrong or the bridge does not allow it."""
    try:
        settings: FilesSettings = msgspec.convert(assignment.target.settings, FilesSettings)
        secrets = msgspec.convert(content.secrets, secrets_of(assignment.target.kind))
    except msgspec.ValidationError as error:
        raise DriverFailure(FailureCause.UNKNOWN, f"The target's settings are refused: {error}.") from None
    try:
        allowed = config.roots if isinstance(settings, LocalSettings) else config.remote_roots
        root = check_root(settings.root, allowed)
        directory = root if assignment.profile is None else posixpath.join(root, check_profile(assignment.profile))
    except PathRefused as error:
        raise DriverFailure(FailureCause.PERMISSION_DENIED, f"Refused: {error}.") from error
    reload = _reload_profile(settings.reload_profile, config)
    return Place(settings, secrets, root, directory, reload, assignment.profile)


def _reload_profile(name: str, config: Config) -> ReloadProfile:
    profile = config.profiles.get(name)
    if profile is None:
        message = f"The bridge's configuration has no reload profile {name!r}."
        raise DriverFailure(FailureCause.UNKNOWN, message)
    return profile
