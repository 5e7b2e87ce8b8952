"""A token of a hardware module (PKCS#11; OASIS, 2.40): a process logs in once, and does one thing there at a time."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import pkcs11
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

T = TypeVar("T")


class Opened:
    """The session of this process."""

    def __init__(self, module: str, token: str, pin: str) -> None:
        self._place = module, token, pin
        self.lock = threading.Lock()
        self.session: Any = pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin)

    def _open(self, *, rw: bool = False) -> Any:
        """One more session. That of a process that has logged in is logged in, too (PKCS#11, 5.6)."""
        module, token, pin = self._place
        found = pkcs11.lib(module).get_token(token_label=token)
        try:
            return found.open(rw=rw, user_pin=pin)
        except UserAlreadyLoggedIn:
            return found.open(rw=rw)

    def call(self, act: Callable[[Any], T]) -> T:
        """Do something with the session; where that is lost (the module was restarted) once more with another one."""
        with self.lock:
            try:
                return act(self.session)
            except PKCS11Error:
                self.session = self._open()
                return act(self.session)

    def write(self, act: Callable[[Any], T]) -> T:
        """Do something that changes the token."""
        with self.lock, self._open(rw=True) as session:
            return act(session)

    def __repr__(self) -> str:
        return f"Opened({self._place[1]!r})"


@cache
def opened(module: str, token: str, pin: str) -> Opened:
    """The session, for as long as the process lives. Raises PKCS11Error, RuntimeError where there is no such module."""
    return Opened(module, token, pin)
