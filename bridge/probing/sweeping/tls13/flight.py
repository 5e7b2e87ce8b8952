"""The first flight of a TLS 1.3 server, read as it comes: ServerHello in clear, then what is encrypted."""

import hashlib
import os
from typing import NamedTuple

from bridge.probing import handshake
from bridge.probing.sweeping.flight import Otherwise
from bridge.probing.sweeping.possession import prove_transcript
from bridge.probing.sweeping.tls13 import messages
from bridge.probing.sweeping.tls13.hello import hello
from bridge.probing.sweeping.tls13.keys import Opener

_CHANGE, _HANDSHAKE, _APPLICATION = 20, 22, 23  # content types (RFC 8446, 5.1)
_SERVER_HELLO, _EXTENSIONS, _CERTIFICATE, _REQUEST, _VERIFY = 2, 8, 11, 13, 15  # handshake types (4)
_AFTER = {_EXTENSIONS: (_REQUEST, _CERTIFICATE), _REQUEST: (_CERTIFICATE,), _CERTIFICATE: (_VERIFY,)}
_MAX_RECORD = 16_384 + 256
_MAX_MESSAGE = 102_400
"""Bytes: what OpenSSL takes of a chain of certificates."""


class Shown(NamedTuple):
    """What was shown under encryption, its key's signature over the whole of the conversation checked."""

    cipher: str
    chain: tuple[bytes, ...]


class Talk:
    """One conversation with a server: `greeting` is sent, and what comes back is read."""

    __slots__ = (
        "_awaited",
        "_chain",
        "_changed",
        "_cipher",
        "_got",
        "_messages",
        "_opener",
        "_received",
        "_said",
        "greeting",
    )

    def __init__(self, server_name: str | None) -> None:
        before, behind = hello(server_name)
        self.greeting = before + os.urandom(32) + behind
        self._got, self._messages = bytearray(), bytearray()
        self._received, self._changed = 0, False
        self._opener: Opener | None = None
        self._awaited: tuple[int, ...] = (_EXTENSIONS,)
        self._cipher = ""
        self._chain: tuple[bytes, ...] = ()

    def read(self, data: bytes) -> Shown | None:
        """What was shown, None while it is incomplete. Raises Otherwise."""
        self._received += len(data)
        if self._received > handshake.MAX_BYTES:
            raise Otherwise
        self._got += data
        got, at = self._got, 0
        while at + 5 <= len(got):
            size = got[at + 3] << 8 | got[at + 4]
            end = at + 5 + size
            if size > _MAX_RECORD or got[at + 1 : at + 3] != b"\x03\x03":
                raise Otherwise
            if end > len(got):
                break
            if shown := self._record(bytes(got[at : at + 5]), bytes(got[at + 5 : end])):
                return shown
            at = end
        del got[:at]
        if got and got[0] not in {_CHANGE, _HANDSHAKE, _APPLICATION}:
            raise Otherwise
        return None

    def _record(self, header: bytes, content: bytes) -> Shown | None:
        kind = header[0]
        if self._opener is None:
            if kind != _HANDSHAKE:
                raise Otherwise
            self._hello(content)
        elif kind == _APPLICATION:
            self._messages += self._opener.open(header, content)
            return self._read_messages()
        elif kind == _CHANGE and content == b"\x01" and not self._changed:
            self._changed = True  # for the sake of boxes in between (RFC 8446, D.4)
        else:
            raise Otherwise
        return None

    def _hello(self, content: bytes) -> None:
        """ServerHello, alone in its record: keys change behind it."""
        if content[:1] != bytes([_SERVER_HELLO]) or int.from_bytes(content[1:4], "big") != len(content) - 4:
            raise Otherwise
        suite, share = messages.server_hello(content[4:])
        self._said = hashlib.new(suite.digest, self.greeting[5:])
        self._said.update(content)
        self._opener = Opener(suite, share, self._said.digest())
        self._cipher = suite.name

    def _read_messages(self) -> Shown | None:
        got, at = self._messages, 0
        while at + 4 <= len(got):
            kind, size = got[at], int.from_bytes(got[at + 1 : at + 4], "big")
            if kind not in self._awaited or size > _MAX_MESSAGE:
                raise Otherwise
            end = at + 4 + size
            if end > len(got):
                break
            message = bytes(got[at:end])
            if kind == _VERIFY:
                return self._proven(message[4:])
            self._take(kind, message[4:])
            self._said.update(message)
            self._awaited, at = _AFTER[kind], end
        del got[:at]
        return None

    def _take(self, kind: int, body: bytes) -> None:
        if kind == _CERTIFICATE:
            self._chain = messages.certificates(body)
        elif kind == _REQUEST:
            messages.check_request(body)
        else:
            messages.check_encrypted_extensions(body)

    def _proven(self, body: bytes) -> Shown:
        scheme, signature = messages.signature(body)
        prove_transcript(self._chain[0], scheme, signature, self._said.digest())
        return Shown(self._cipher, self._chain)
