"""A message as a mail: plain text, and the same as simple HTML (RFC 2046, 5.1.4)."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from application.notification_ports import Message
from domain.texts import verbatim

_LONGEST_SUBJECT = 150


def letter(message: Message, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The mail. Its Message-ID follows from the message: sent twice, it is recognised."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(verbatim(message.subject, _LONGEST_SUBJECT).split())
    mail["From"] = Address("certferry", *sender.rsplit("@", 1))
    mail["To"] = [Address("", *each.rsplit("@", 1)) for each in to]
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(_text(message))
    mail.add_alternative(_html(message), subtype="html")
    for file in message.attachments:
        kind, _, subtype = file.media_type.partition("/")
        text = {"charset": "utf-8"} if kind == "text" else None
        mail.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name, params=text)
    return mail


def _text(message: Message) -> str:
    lines = [f"{label}: {verbatim(text)}" for label, text in message.lines]
    return "\n".join([*lines, *(["", message.link] if message.link else []), ""])


def _html(message: Message) -> str:
    rows = "".join(
        f'<tr><th align="left" valign="top">{escape(label)}</th><td>{escape(verbatim(text))}</td></tr>'
        for label, text in message.lines
    )
    link = f'<p><a href="{escape(message.link)}">{escape(message.link)}</a></p>' if message.link else ""
    return f'<!doctype html><html><body><table cellpadding="4">{rows}</table>{link}</body></html>\n'
