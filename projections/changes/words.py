"""Changes in sentences for people."""

from collections.abc import Callable
from typing import Any

from projections.changes.view import Change, ChangeKind

_FIELDS = {
    "present": "",
    "private_key": "private key",
    "server_name": "server name",
    "scheduled_at": "scheduled time",
    "bridge_id": "bridge",
    "secrets_version": "version of the secrets",
    "renewed_to": "successor",
    "renewed_from": "predecessor",
}


def sentence(change: Change) -> str:
    """The line in words, without positions."""
    subject = f"{change.kind.replace('_', ' ').capitalize()} {change.name or change.id}"
    return f"{subject} {_SAID[change.change](change)}"


def _added(change: Change) -> str:
    if not isinstance(change.after, dict):
        return "was added again."
    told = [f"{_field(name)} {_value(value)}" for name, value in change.after.items() if name in _TOLD and value]
    return f"was added: {', '.join(told)}." if told else "was added."


def _removed(_: Change) -> str:
    return "was removed."


def _renewed(change: Change) -> str:
    if change.field == "renewed_from":
        return f"renews certificate {change.after}."
    return f"was renewed by certificate {change.after}."


def _from_to(change: Change) -> str:
    where = f" of {change.detail}" if change.detail else ""
    by_itself = " (time passed)" if change.clock else ""
    return f"{_field(change.field)}{where}: {_value(change.before)} → {_value(change.after)}{by_itself}."


def _sets(change: Change) -> str:
    before, after = (set(side or ()) for side in (change.before, change.after))
    signed = [f"+{name}" for name in sorted(after - before)] + [f"-{name}" for name in sorted(before - after)]
    return f"{_field(change.field)}: {' '.join(signed) or _value(change.after)}."


def _unreadable(change: Change) -> str:
    return f"stands as it was: the event at position {change.positions[0]} cannot be read ({change.after})."


_TOLD = frozenset({"status", "source", "owner", "endpoints", "approval", "kind", "roles"})
_SAID: dict[ChangeKind, Callable[[Change], str]] = {
    ChangeKind.ADDED: _added,
    ChangeKind.REMOVED: _removed,
    ChangeKind.RENEWED: _renewed,
    ChangeKind.TAGS_CHANGED: _sets,
    ChangeKind.ROLES_CHANGED: _sets,
    ChangeKind.UNREADABLE: _unreadable,
    **dict.fromkeys(
        (ChangeKind.STATUS_CHANGED, ChangeKind.OWNER_CHANGED, ChangeKind.RETARGETED, ChangeKind.RENAMED), _from_to
    ),
}


def _field(name: str) -> str:
    return _FIELDS.get(name, name.replace("_", " "))


def _value(value: Any) -> str:
    """A value in few words: of a state with its circumstances, what is there of them."""
    if isinstance(value, dict):
        return ", ".join(
            _value(part) if isinstance(part, str) else f"{_field(name)} {_value(part)}"
            for name, part in value.items()
            if part
        )
    if isinstance(value, list):
        return " ".join(map(_value, value)) or "none"
    return "none" if value is None else str(value).replace("_", " ")
