r"""Texts as they may come in: bounded, and where they are names, without control characters.

`(?![\s\S])` is the end of the text in the regular expressions of Python and ECMA-262 (`$` allows a line break).
"""

from typing import Annotated

from msgspec import Meta

_END = r"(?![\s\S])"
# Neither control characters nor those that turn the direction of writing (Unicode, UAX 9): a name is read as it is.
_NEVER = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069"
_PRINTABLE = rf"^[^\s{_NEVER}](?:[^{_NEVER}]*[^\s{_NEVER}])?{_END}"
_COMMENT = rf"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*{_END}"
_HOST = rf"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?{_END}"
IN_WORDS = {
    _PRINTABLE: "Use printable characters: no blanks around them, none that turn the direction of writing.",
    _COMMENT: "Use printable characters and line breaks.",
    _HOST: "Write a host name like www.example.org, in its ASCII form.",
}
"""What each of these regular expressions means to people."""

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=_PRINTABLE,
        description="A name, without spaces around it or control characters.",
    ),
]
Tag = Annotated[str, Meta(min_length=1, max_length=100, pattern=_PRINTABLE, examples=["team-web"])]
Comment = Annotated[
    str,
    Meta(
        max_length=2_000,
        pattern=_COMMENT,
        description="A comment for the people who read the history; line breaks are kept.",
        examples=["Renewal of the web shop's certificate"],
    ),
]
Pem = Annotated[str, Meta(min_length=1, max_length=262_144, description="PEM text (RFC 7468).")]
EndpointText = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=270,
        description="IP address or host name, and port; before it smtp://, imap://, pop3://, ldap://, postgres://, "
        "mysql://, ftp:// or nats:// where TLS begins after some words of that protocol (STARTTLS).",
        examples=["10.0.0.1:443", "smtp://mail.example.org:25"],
    ),
]
ServerName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=_HOST,
        description="The host name asked for in the TLS handshake (SNI).",
        examples=["www.example.org"],
    ),
]
