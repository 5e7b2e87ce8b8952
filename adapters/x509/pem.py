"""PEM text to DER blocks, strictly (RFC 7468), in linear time, with every fault as a `Refused`."""

import binascii
from collections.abc import Iterator

import msgspec

from domain.errors import Code, Refused

_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"


class PemBlock(msgspec.Struct, frozen=True):
    """One block: its label (`CERTIFICATE`), its RFC 1421 headers (old encrypted keys have some), its decoded body."""

    label: str
    headers: tuple[str, ...]
    body: bytes

    def __repr__(self) -> str:
        return f"PemBlock({self.label!r}, {len(self.body)} bytes)"


def invalid(sentence: str, pointer: str) -> Refused:
    """The refusal of an unreadable input; the sentence never quotes the input."""
    return Refused(Code.VALIDATION_FAILED, sentence, pointer=pointer)


def as_text(data: bytes | str, limit: int, pointer: str) -> str:
    """The input as text of at most `limit` characters, without NUL and lone surrogates."""
    if len(data) > limit:
        raise invalid(f"The text is too long: at most {limit} characters are read.", pointer)
    text = _unicode(data)
    if text is None:
        raise invalid("The text is not valid Unicode; PEM is plain ASCII.", pointer)
    if "\0" in text:
        raise invalid("The text contains a NUL character; PEM is plain ASCII.", pointer)
    return text


def _unicode(data: bytes | str) -> str | None:
    """None instead of an exception: a UnicodeError carries the whole input, which may be a private key."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        text.encode()
    except UnicodeError:
        return None
    return text


def read_blocks(text: str, pointer: str) -> list[PemBlock]:
    """Every PEM block of the text; explanatory text around the blocks is ignored (RFC 7468, section 5.2)."""
    return list(_blocks(iter(text.splitlines()), pointer))


def _blocks(lines: Iterator[str], pointer: str) -> Iterator[PemBlock]:
    for raw in lines:
        line = raw.strip()
        if line.startswith(_END):
            raise invalid("A PEM block ends that never began.", pointer)
        if line.startswith(_BEGIN):
            yield _block(_label(line, _BEGIN, pointer), lines, pointer)


def _label(line: str, prefix: str, pointer: str) -> str:
    label = line[len(prefix) : -len(_DASHES)]
    if not line.endswith(_DASHES) or len(line) > 64 or _DASHES in label:
        raise invalid("A PEM boundary line is malformed; each must stand alone on its line.", pointer)
    return label


def _block(label: str, lines: Iterator[str], pointer: str) -> PemBlock:
    headers: list[str] = []
    body: list[str] = []
    for raw in lines:
        line = raw.strip()
        if line.startswith(_BEGIN):
            raise invalid("A PEM block begins inside another one.", pointer)
        if line.startswith(_END):
            if _label(line, _END, pointer) != label:
                raise invalid("A PEM block ends with another label than it began with.", pointer)
            decoded = _decode("".join(body))
            if decoded is None:
                raise invalid("The body of a PEM block is not Base64.", pointer)
            return PemBlock(label, tuple(headers), decoded)
        (headers if ":" in line else body).append(line)
    raise invalid("A PEM block has no end line; part of the text may be missing.", pointer)


def _decode(body: str) -> bytes | None:
    try:
        return binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError
        return None
