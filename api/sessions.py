"""Session cookies: signed, naming a session of the ledger (domain/session.py). They hold no secret of anybody.

The session is looked up again at every request, so that ending it, or taking away what it rests on (a token, the
person's right to be here), counts at once. A cookie ends by itself, too: when its session does, and when nothing was
done with it for a while. Unsafe requests that come with the cookie must also prove that they come from our own pages
(Origin, Sec-Fetch-Site, and a token of the session).
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

COOKIE = "certferry_session"
HOST_ONLY = "__Host-"
"""Browsers keep a cookie of this name only where https set it, for this host and every path (RFC 6265bis, 4.1.3.2)."""
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A signed-in browser. `position`: where the ledger opened the session; `idle_at`: when it ends if nothing is done
    with it; `expires_at`: when it ends in any case.
    """

    id: UUID
    position: int
    idle_at: datetime
    expires_at: datetime

    def used(self, now: datetime, idle_seconds: float) -> "Session | None":
        """The session after something was done with it; None while that makes little difference."""
        idle_at = min(now + timedelta(seconds=idle_seconds), self.expires_at)
        worth_it = idle_at - self.idle_at > timedelta(seconds=idle_seconds / 10)
        return msgspec.structs.replace(self, idle_at=idle_at) if worth_it else None


def start(session_id: UUID, position: int, now: datetime, expires_at: datetime, idle_seconds: float) -> Session:
    """The first cookie of a session."""
    return Session(session_id, position, min(now + timedelta(seconds=idle_seconds), expires_at), expires_at)


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
    return session if now < session.idle_at and now < session.expires_at else None


def csrf_token(session: Session, key: bytes) -> str:
    """What our own pages send along with unsafe requests."""
    return _sign(b"csrf:" + session.id.bytes, key)


def cookie_name(*, secure: bool, name: str = COOKIE) -> str:
    """The cookie's name: over https no other host can have set it."""
    return f"{HOST_ONLY}{name}" if secure else name


def cookie(value: str, *, seconds: int, secure: bool, name: str = COOKIE) -> Cookie:
    """The session cookie, or another one as well kept; 0 seconds removes it."""
    key = cookie_name(secure=secure, name=name)
    return Cookie(key=key, value=value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)


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
    return hmac.new(key, b"certferry session v2|" + payload, hashlib.sha256).hexdigest()
