"""From what a service says to the cause of its refusal: is it the pair we wrote, or something else?"""

import re
from collections.abc import Callable

from bridge.protocol import FailureCause

Judge = Callable[[str, str], FailureCause]
"""From (what the service wrote, the place's directory) to the cause of its refusal."""

_NGINX_PAIR = re.compile(
    r"key values mismatch|no start line|bad end line|ee key too small|ca md too weak"
    r"|SSL_CTX_use_(?:certificate|PrivateKey)"
)
_PAIR = re.compile(
    r"key values mismatch|no start line|bad end line|key too small|md too weak|do(?:es)? not match"
    r"|inconsistencies between private key and certificate|unable to load (?:SSL )?(?:certificate|private key)",
    re.IGNORECASE,
)


def judge_any(_output: str, _directory: str) -> FailureCause:
    """Of a service whose words we do not know: it refused."""
    return FailureCause.SERVICE_RELOAD_FAILED


def judge_nginx(output: str, directory: str) -> FailureCause:
    """Nginx names the file that it cannot use: whether it is the pair we wrote decides about the cause."""
    ours = (line for line in output.splitlines() if directory + "/" in line)
    if any(_NGINX_PAIR.search(line) for line in ours):
        return FailureCause.INVALID_CERTIFICATE_OR_KEY
    return FailureCause.SERVICE_RELOAD_FAILED


def judge_pair(output: str, _directory: str) -> FailureCause:
    """Of services that say in OpenSSL's words, or in their own, that a pair is none they load."""
    return FailureCause.INVALID_CERTIFICATE_OR_KEY if _PAIR.search(output) else FailureCause.SERVICE_RELOAD_FAILED
