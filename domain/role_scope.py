"""How far a role reaches: everywhere, or to what bears certain tags, which are matched as approval policies do."""

from collections.abc import Iterable

import msgspec

from domain.errors import Code, Refused


class RoleScope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tags that a role is limited to. A dimension without tags limits nothing; at least one of the two has some."""

    certificate_tags: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """For people."""
        found = [
            f"{what} tagged {' or '.join(tags)}"
            for what, tags in (("certificates", self.certificate_tags), ("target systems", self.target_tags))
            if tags
        ]
        return " on ".join(found)


def role_words(role: str, scope: RoleScope | None) -> str:
    """A role for people, with the scope it is limited to."""
    return role if scope is None else f"{role} for {scope.words}"


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """The tags of the certificate and of the target system that a command concerns; none where it concerns none.
    `any_target`: which target systems it will be is decided later, for each of them.
    """

    certificate_tags: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()
    any_target: bool = False


def scope_of(certificate_tags: Iterable[str], target_tags: Iterable[str]) -> RoleScope:
    """A scope of these tags, each once and in order. Raises Refused where there is none."""
    scope = RoleScope(
        certificate_tags=tuple(sorted(set(certificate_tags))), target_tags=tuple(sorted(set(target_tags)))
    )
    if scope == RoleScope():
        sentence = "A scope names at least one tag, of certificates or of target systems. Leave it out for none."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/scope")
    return scope


def bears(tags: Iterable[str], wanted: tuple[str, ...]) -> bool:
    """Is one of the wanted tags among these? Where none is wanted, any will do."""
    return not wanted or not set(wanted).isdisjoint(tags)


def covers(scope: RoleScope, concern: Concern) -> bool:
    """Does a role with this scope count for what a command concerns? In each dimension that the scope names."""
    of_target = concern.any_target or bears(concern.target_tags, scope.target_tags)
    return of_target and bears(concern.certificate_tags, scope.certificate_tags)
