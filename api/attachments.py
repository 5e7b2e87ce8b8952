"""Files that a browser saves."""

import re

from litestar import Response

from api.asking import Command
from application.house import Done
from application.pfx_exporting import Pfx

PKCS12 = "application/x-pkcs12"


def file_name(common_name: str, ending: str) -> str:
    """A name for the certificate of a host, of plain characters that no shell or file system minds.

    `*.example.org` is `wildcard.example.org.crt`.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", common_name.replace("*", "wildcard")).strip("._")[:100]
    return f"{plain or 'certificate'}.{ending}"


def attachment(name: str) -> dict[str, str]:
    """The headers of a file (RFC 6266)."""
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}


async def pfx_file(command: Command, done: Done[Pfx]) -> Response[bytes]:
    """The answer with a PFX file; nothing of it is kept for repeats."""
    answer = await command.answer(done, None, secret=True)
    name = file_name(done.result.common_name, "pfx")
    return Response(done.result.content, media_type=PKCS12, headers={**dict(answer.headers), **attachment(name)})
