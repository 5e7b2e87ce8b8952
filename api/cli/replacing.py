"""What a mass replacement is asked for with on the command line."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import rich_click as click

if TYPE_CHECKING:
    from application.replacing import ReplaceCertificates

_ALGORITHMS = click.Choice(("rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ed25519"))
_PROVIDERS = ("local_pki", "acme", "external_ca")
Command = Callable[..., Any]


def filter_options(command: Command) -> Command:
    """Which certificates; all may be given several times."""
    for decorate in (
        click.option("--issuer", multiple=True, help="Part of the issuer's name."),
        click.option("--issuer-key-id", multiple=True, help="Key identifier (hex) of the CA: of a compromised one."),
        click.option("--key-algorithm", multiple=True, type=_ALGORITHMS, help="Of their keys."),
        click.option("--provider", multiple=True, type=click.Choice(_PROVIDERS), help="Who issued them."),
        click.option("--tag", multiple=True, help="One of their tags."),
        click.option("--owner", multiple=True, help="Whose they are."),
        click.option("--q", help="Part of the common name or of a subject alternative name."),
    ):
        command = decorate(command)
    return command


def successor_options(command: Command) -> Command:
    """What is to be as it was not before."""
    for decorate in (
        click.option("--key", type=click.Choice(("new", "same")), default="new", show_default=True),
        click.option("--new-key-algorithm", type=_ALGORITHMS, help="Of the successors' keys."),
        click.option("--new-provider", type=click.Choice(_PROVIDERS), help="Who issues the successors."),
        click.option("--new-provider-id", type=click.UUID, help="Which one, where there are several."),
    ):
        command = decorate(command)
    return command


class ReplacementOptions(NamedTuple):
    """All of them."""

    issuer: tuple[str, ...]
    issuer_key_id: tuple[str, ...]
    key_algorithm: tuple[str, ...]
    provider: tuple[str, ...]
    tag: tuple[str, ...]
    owner: tuple[str, ...]
    q: str | None
    key: str
    new_key_algorithm: str | None
    new_provider: str | None
    new_provider_id: UUID | None

    def command(self, reason: str) -> "ReplaceCertificates":
        """As the use case wants it."""
        from application.replacing import ReplaceCertificates
        from domain.certificate_order import Provider
        from domain.replacement import Key
        from domain.replacement_criteria import ReplacementCriteria

        criteria = ReplacementCriteria(
            issuer=self.issuer,
            issuer_key_id=tuple(each.replace(":", "").lower() for each in self.issuer_key_id),
            key_algorithm=self.key_algorithm,
            provider=self.provider,
            tag=self.tag,
            owner=self.owner,
            q=self.q,
        )
        return ReplaceCertificates(
            criteria=criteria,
            reason=reason,
            key=Key(self.key),
            key_algorithm=self.new_key_algorithm,
            provider=Provider(self.new_provider) if self.new_provider else None,
            provider_id=self.new_provider_id,
        )
