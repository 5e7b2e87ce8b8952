"""Who looks, as presenters need it."""

from api.asking import Command, Reading
from api.presenters.connectors import Viewer


def viewer(asked: Reading | Command) -> Viewer:
    """The caller of a question or of a command."""
    person = str(asked.caller.principal_id) if asked.caller is not None else ""
    past = isinstance(asked, Reading) and asked.moment is not None
    return Viewer(person, asked.roles, asked.now, asked.thresholds, past, asked.scoped)
