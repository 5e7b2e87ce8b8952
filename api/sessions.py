"""Browser sessions: a signed cookie that names a token which was proven once. It holds no secret of the token.

The token is looked up again at every request, so revoking it ends its sessions too. Unsafe requests that come with the
cookie must also prove that they come from our own pages (Origin, Sec-Fetch-Site, and a token of the session).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

COOKIE = "certferry_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A signed-in browser."""

    id: str
    token_id: UUID
    expires_at: datetime


def open_session(token_id: UUID, now: datetime, seconds: int) -> Session:
    """A new session of a proven token."""
    return Session(secrets.token_urlsafe(16), token_id, now + timedelta(seconds=seconds))


def write(session: Session, key: bytes) -> str:
    """The cookie's value."""
    payload = base64.urlsafe_b64encode(msgspec.json.encode(session)).rstrip(b"=")
    return f"{payload.decode()}.{_sign(payload, key)}"


def read(text: str | None, key: bytes, now: datetime) -> Session | None:
    """The session of a cookie's value; None for anything that was not signed here, or has ended."""
    payload, dot, signature = (text or "").partition(".")
    if not dot or not (text or "").isascii() or not hmac.compare_digest(_sign(payload.encode(), key), signature):
        return None
    try:
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        session = msgspec.json.decode(data, type=Session)
    except (binascii.Error, msgspec.DecodeError):
        return None
    return session if now < session.expires_at else None


def csrf_token(session: Session, key: bytes) -> str:
    """What our own pages send along with unsafe requests."""
    return _sign(b"csrf:" + session.id.encode(), key)


def cookie(value: str, *, seconds: int, secure: bool) -> Cookie:
    """The session cookie; 0 seconds removes it."""
    return Cookie(key=COOKIE, value=value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)


def same_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Does the browser say that the request comes from our own pages? (Fetch Metadata, else Origin; RFC 6454)"""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


def equal(given: str, expected: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given, expected)


def _sign(payload: bytes, key: bytes) -> str:
    return hmac.new(key, b"certferry session v1|" + payload, hashlib.sha256).hexdigest()
