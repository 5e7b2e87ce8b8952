"""What is said before TLS, where a protocol begins without it (STARTTLS).

Nothing may follow the server's yes before TLS: whoever sits in between could put words there that a client takes for
the server's (CVE-2011-0411, CVE-2021-23222). So every answer is read to its end exactly; a byte more ends the probe.
"""

import asyncio
import re
import struct
from collections.abc import Awaitable, Callable

import msgspec

from bridge.probing.dialogue import MOST, Dialogue, NotBegun
from bridge.probing.reasons import Reason

_LDAP_OID = b"1.3.6.1.4.1.1466.20037"
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)"
_LDAP_RESPONSE = re.compile(rb"\x02\x01[\x00\x01]\x78" + _LENGTH + rb"\x0a\x01(.)", re.DOTALL)
_CLIENT_SSL = 0x0800
_SSL_REQUEST = 80877103


async def begin_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: str) -> None:
    """Speak the protocol, one of PROTOCOLS, up to where TLS begins. It waits as long as it may. Raises NotBegun."""
    dialogue = Dialogue(reader, writer)
    await _PROTOCOLS[protocol](dialogue)
    dialogue.end()


async def _smtp(dialogue: Dialogue) -> None:
    """RFC 3207; replies as RFC 5321, section 4.2 has them."""
    await _reply(dialogue, b"220")
    dialogue.say(b"EHLO certferry.invalid\r\n")
    if b"STARTTLS" not in {line.strip().upper() for line in await _reply(dialogue, b"250")}:
        raise NotBegun(Reason.STARTTLS_REFUSED)
    dialogue.say(b"STARTTLS\r\n")
    await _reply(dialogue, b"220")


async def _ftp(dialogue: Dialogue) -> None:
    """RFC 4217, section 4."""
    await _reply(dialogue, b"220")
    dialogue.say(b"AUTH TLS\r\n")
    await _reply(dialogue, b"234")


async def _reply(dialogue: Dialogue, expected: bytes) -> list[bytes]:
    """The texts of a reply of one or more lines: `250-` goes on, `250 ` ends. FTP's inner lines may have no code."""
    texts: list[bytes] = []
    first = b""
    while True:
        line = await dialogue.line()
        first = first or line[:3]
        if not re.fullmatch(rb"[1-5][0-9]{2}", first):
            raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
        texts.append(line[4:])
        if line[:3] == first and line[3:4] != b"-":
            break
    if first != expected:
        raise NotBegun(Reason.STARTTLS_REFUSED)
    return texts


async def _imap(dialogue: Dialogue) -> None:
    """RFC 9051, section 6.2.1."""
    greeting = (await dialogue.line()).upper()
    if not greeting.startswith((b"* OK", b"* PREAUTH", b"* BYE")):
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    if not greeting.startswith(b"* OK"):
        raise NotBegun(Reason.STARTTLS_REFUSED)
    dialogue.say(b"a STARTTLS\r\n")
    while (line := (await dialogue.line()).upper()).startswith(b"* "):
        pass  # untagged: said to everybody
    _agreed(line, b"A OK", (b"A NO", b"A BAD"))


async def _pop3(dialogue: Dialogue) -> None:
    """RFC 2595, section 4."""
    _agreed(await dialogue.line(), b"+OK", (b"-ERR",))
    dialogue.say(b"STLS\r\n")
    _agreed(await dialogue.line(), b"+OK", (b"-ERR",))


def _agreed(line: bytes, yes: bytes, no: tuple[bytes, ...]) -> None:
    if not line.startswith(yes):
        raise NotBegun(Reason.STARTTLS_REFUSED if line.startswith(no) else Reason.STARTTLS_WRONG_PROTOCOL)


async def _ldap(dialogue: Dialogue) -> None:
    """RFC 4511, section 4.14: an ExtendedRequest; the response [APPLICATION 24] begins with its result code."""
    name = bytes([0x80, len(_LDAP_OID)]) + _LDAP_OID
    request = b"\x02\x01\x01\x77" + bytes([len(name)]) + name
    dialogue.say(b"\x30" + bytes([len(request)]) + request)
    message = await _element(dialogue, 0x30)
    found = re.match(
        rb"\x02\x01[\x00\x01]\x78(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x0a\x01(.)", message, re.DOTALL
    )
    if found is None:
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    if found[1] != b"\0":
        raise NotBegun(Reason.STARTTLS_REFUSED)


async def _element(dialogue: Dialogue, tag: int) -> bytes:
    """The content of one element of BER, of definite length (RFC 4511, section 5.1)."""
    start = await dialogue.exactly(2)
    size = start[1]
    if start[0] != tag or size == 0x80 or size > 0x84:
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    if size > 0x80:
        size = int.from_bytes(await dialogue.exactly(size - 0x80), "big")
    if size > MOST:
        raise NotBegun(Reason.TOO_MUCH_DATA)
    return await dialogue.exactly(size)


async def _postgres(dialogue: Dialogue) -> None:
    """PostgreSQL's message flow, "SSL Session Encryption": S or N; an error message of servers before 7.0."""
    dialogue.say(struct.pack("!II", 8, _SSL_REQUEST))
    answer = await dialogue.exactly(1)
    if answer != b"S":
        raise NotBegun(Reason.STARTTLS_REFUSED if answer in b"NE" else Reason.STARTTLS_WRONG_PROTOCOL)


async def _mysql(dialogue: Dialogue) -> None:
    """MySQL's client/server protocol: the greeting (protocol 10) tells what the server can, and the server says nothing
    more: TLS follows our SSLRequest.
    """
    header = await dialogue.exactly(4)
    size = int.from_bytes(header[:3], "little")
    if header[3] or not 0 < size < MOST:
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    greeting = await dialogue.exactly(size)
    after = greeting.find(b"\0") + 1  # behind the version's text: connection id, eight bytes of salt, a filler
    if greeting[0] == 0xFF:
        raise NotBegun(Reason.STARTTLS_REFUSED)  # an error: too many connections, this host is blocked
    if greeting[0] != 10 or not after or len(greeting) < after + 15:
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    if not int.from_bytes(greeting[after + 13 : after + 15], "little") & _CLIENT_SSL:
        raise NotBegun(Reason.STARTTLS_REFUSED)
    dialogue.end()
    capabilities = 0x0200 | _CLIENT_SSL | 0x8000  # PROTOCOL_41, SSL, SECURE_CONNECTION
    dialogue.say(b"\x20\x00\x00\x01" + struct.pack("<IIB23x", capabilities, 0x0100_0000, 33))


class _Info(msgspec.Struct):
    tls_required: bool = False
    tls_available: bool = False


async def _nats(dialogue: Dialogue) -> None:
    """NATS' client protocol: INFO tells whether the server takes TLS; the client just begins with it."""
    word, _, told = (await dialogue.line()).partition(b" ")
    try:
        info = msgspec.json.decode(told, type=_Info)
    except msgspec.DecodeError:
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL) from None
    if word.upper() != b"INFO":
        raise NotBegun(Reason.STARTTLS_WRONG_PROTOCOL)
    if not info.tls_required and not info.tls_available:
        raise NotBegun(Reason.STARTTLS_REFUSED)


_PROTOCOLS: dict[str, Callable[[Dialogue], Awaitable[None]]] = {
    "smtp": _smtp,
    "imap": _imap,
    "pop3": _pop3,
    "ldap": _ldap,
    "postgres": _postgres,
    "mysql": _mysql,
    "ftp": _ftp,
    "nats": _nats,
}

PROTOCOLS = frozenset(_PROTOCOLS)
"""Those that can be spoken, by the names that `openssl s_client` has for them."""
