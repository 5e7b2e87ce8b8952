"""What Schemathesis cannot know: bodies of OCSP are octets, and what it does as whom.

It learns ids from answers. Where it happened to take its own token to be revoked, everything after that was refused.
"""

import os
from typing import Any
from uuid import uuid4

import schemathesis

schemathesis.serializer.alias("application/ocsp-request", "application/octet-stream")

_own = frozenset(os.environ.get("CERTFERRY_TESTED_AS", "").split())
"""Ids of the principal and of the token that it is tried out as."""


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], **_: Any) -> None:
    """Whoever is tried out as stays who they are: changes of them go to somebody who does not exist."""
    if case.method != "GET" and case.path_parameters:
        for name in ("token_id", "principal_id"):
            if str(case.path_parameters.get(name)) in _own:
                case.path_parameters[name] = str(uuid4())
