"""Which paths on a target the bridge touches: absolute, normalised, plain, below an allowed root."""

import posixpath
import re
from collections.abc import Iterable

from bridge.text import clean, has_control

_PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OWN_NAMES = {"releases", "current"}


class PathRefused(ValueError):
    """The path is not one the bridge touches; the sentence says why."""


def check_path(path: str) -> str:
    """The path itself, when it is absolute, normalised and free of control characters. PathRefused."""
    if has_control(path):
        raise PathRefused(f"the path {clean(path)!r} holds control characters")
    if not path.startswith("/"):
        raise PathRefused(f"the path {path!r} is not absolute")
    if posixpath.normpath(path) != path or path.startswith("//"):
        raise PathRefused(f"the path {path!r} is not normalised (no `.`, `..`, `//` or final `/`)")
    return path


def check_root(path: str, allowed: Iterable[str]) -> str:
    """The path itself, when it is one of the allowed roots or lies below one. PathRefused."""
    check_path(path)
    if not any(is_below(path, root) for root in allowed):
        raise PathRefused(f"the path {path!r} lies below none of the roots in the bridge's configuration")
    return path


def is_below(path: str, root: str) -> bool:
    """Whether a normalised path is the root or lies below it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def is_profile_name(name: str) -> bool:
    """Whether a name can be a profile's directory: one plain path component that is none of our own names."""
    return _PROFILE.fullmatch(name) is not None and name not in _OWN_NAMES


def check_profile(name: str) -> str:
    """The name itself, when it can be a profile's directory. PathRefused."""
    if not is_profile_name(name):
        raise PathRefused(f"the profile {clean(name)!r} cannot be a directory name")
    return name
