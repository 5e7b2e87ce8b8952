"""Exports as PFX: whose key may leave, and until when an export is good."""

from typing import Any

import pytest

from domain import ids, pfx_export
from domain.certificate import Certificate, KeyOrigin
from domain.entity import Meta
from domain.errors import Code, Refused
from domain.pfx_export import TRIES, PfxExport, PfxExportCreated, PfxExportRefused
from tests.support.deciders import state_of
from tests.support.histories import CERTIFICATE_ID, IMPLEMENTER, MINUTE, OPERATOR, T0, by, facts

CREATED = PfxExportCreated(meta=by(OPERATOR), certificate_id=CERTIFICATE_ID, expires_at=T0 + 10 * MINUTE)
RIGHT: dict[str, Any] = {"used": False, "password_matches": True, "certificate_id": CERTIFICATE_ID}


def of_origin(origin: KeyOrigin, provider: str | None = "local_pki") -> Certificate:
    return Certificate(facts=facts(), der=b"DER", provider=provider, key_origin=origin)


def wrong(tries_left: int) -> PfxExportRefused:
    return PfxExportRefused(meta=by(OPERATOR), certificate_id=CERTIFICATE_ID, tries_left=tries_left)


def test_what_local_pki_issued_with_a_key_made_here_leaves() -> None:
    """One event, with the end of the export in it and nothing of its password."""
    wish: dict[str, Any] = {"certificate_id": CERTIFICATE_ID, "expires_at": CREATED.expires_at}
    assert pfx_export.create(of_origin(KeyOrigin.GENERATED), by(OPERATOR), **wish) == (CREATED,)


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        (of_origin(KeyOrigin.IMPORTED, None), "was imported"),
        (of_origin(KeyOrigin.NONE), "no private key stored here"),
        (of_origin(KeyOrigin.ENDPOINT), "on the target system"),
        (of_origin(KeyOrigin.GENERATED, "acme"), "another CA"),
    ],
)
def test_nothing_else_leaves(certificate: Certificate, said: str) -> None:
    """Imported keys, CSR certificates, keys of targets, other CAs: each refusal says which it is."""
    with pytest.raises(Refused, match=said) as refused:
        pfx_export.check_exportable(certificate)
    assert refused.value.code is Code.PRIVATE_KEY_NOT_AVAILABLE


def check(*history: Any, meta: Meta = by(OPERATOR), **different: Any) -> Refused | None:
    export: PfxExport = state_of(CREATED, *history)
    try:
        pfx_export.check_download(export, meta, **(RIGHT | different))
    except Refused as refused:
        return refused
    return None


@pytest.mark.parametrize(
    ("meta", "different", "code"),
    [
        (by(OPERATOR), {"certificate_id": ids.derive("test", "other")}, Code.NOT_FOUND),
        (by(IMPLEMENTER), {}, Code.FORBIDDEN),
        (by(OPERATOR), {"used": True}, Code.EXPORT_ALREADY_USED),
        (by(OPERATOR, T0 + 10 * MINUTE), {}, Code.EXPORT_EXPIRED),
        (by(OPERATOR, T0 + 11 * MINUTE), {"used": True}, Code.EXPORT_ALREADY_USED),
    ],
)
def test_when_there_is_nothing_to_download(meta: Meta, different: dict[str, Any], code: Code) -> None:
    """Of another certificate, of somebody else, used, too old; none of these costs a try, whatever the password."""
    assert check() is None
    for matches in (True, False):
        refused = check(meta=meta, **(different | {"password_matches": matches}))
        assert refused is not None
        assert (refused.code, refused.records) == (code, ())


def test_a_wrong_password_costs_a_try_and_the_last_one_the_export() -> None:
    """Each is an event of the export; afterwards the right password is refused, too."""
    history: list[PfxExportRefused] = []
    for left in reversed(range(TRIES)):
        refused = check(*history, password_matches=False)
        assert refused is not None
        assert (refused.code, refused.records) == (Code.EXPORT_PASSWORD_MISMATCH, (wrong(left),))
        history.append(wrong(left))
    refused = check(*history)
    assert refused is not None
    assert refused.code is Code.EXPORT_EXPIRED
