"""HEAD: the answer of GET without its body, wherever there is a GET (RFC 9110, 9.1 and 9.3.2)."""

from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send

IS_HEAD = "certferry.head"
"""Key in the scope of a GET that was asked as HEAD."""


class HeadAsGet:
    """Around a whole application: Litestar itself routes HEAD to nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        told = False

        async def head_only(message: Any) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                told = True

        async def gone() -> Any:
            # Whoever streams stops as if the client had left: it has all it asked for.
            return {"type": "http.disconnect"} if told else await receive()

        await self._app({**scope, "method": "GET", IS_HEAD: True}, gone, head_only)  # type: ignore[arg-type]
