"""Where everything is: absolute addresses, as directory and resources name them."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from api.acme.problems import malformed
from api.services import Services

ROOT = "/acme"


class Addresses(msgspec.Struct, frozen=True):
    """`base`: how clients reach the service, without a slash at the end."""

    base: str

    @property
    def directory(self) -> str:
        return self.at("directory")

    def at(self, *steps: object) -> str:
        """An address below the root."""
        return "/".join((f"{self.base}{ROOT}", *map(str, steps)))

    def account(self, account_id: UUID) -> str:
        return self.at("accounts", account_id)

    def order(self, order_id: UUID) -> str:
        return self.at("orders", order_id)

    def authorization(self, order_id: UUID, number: int) -> str:
        return self.at("authorizations", order_id, number)

    def challenge(self, order_id: UUID, number: int, kind: str) -> str:
        return self.at("challenges", order_id, number, kind)

    def account_id(self, url: str) -> UUID:
        """The id in an account's address. Raises AcmeProblem(malformed)."""
        prefix = self.at("accounts", "")
        try:
            found = UUID(url.removeprefix(prefix))
        except ValueError:
            found = None
        if found is None or self.account(found) != url:
            raise malformed("The kid is no address of an account here.")
        return found


def addresses(request: Request[Any, Any, Any], services: Services) -> Addresses:
    """As the operator set it (`server.url`), else as the client asked."""
    if services.acme.url:
        return Addresses(services.acme.url.rstrip("/"))
    scheme = "https" if services.settings.secure_cookies else request.scope["scheme"]
    return Addresses(f"{scheme}://{request.headers.get('host', '')}")


def own_address(request: Request[Any, Any, Any], found: Addresses) -> str:
    """The address of this request, which the signed header has to name (RFC 8555, 6.4)."""
    query = request.scope["query_string"].decode("latin-1")
    return f"{found.base}{request.scope['path']}{'?' if query else ''}{query}"
