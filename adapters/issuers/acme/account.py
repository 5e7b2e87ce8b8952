"""The account at the CA: its key is sealed in the vault before the CA hears of it, one per provider and directory."""

from uuid import UUID

from acme import messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwk import JWKEC
from josepy.util import ComparableECKey

from adapters.issuers.acme.client import AcmeClient
from adapters.issuers.acme.settings import AcmeSecrets, AcmeSettings
from adapters.keys.store import SealedStore
from adapters.x509.private_keys import from_pkcs8, to_pkcs8
from domain import ids
from domain.errors import Code, Refused

_KEY, _URL = "acme account key", "acme account url"


class Account:
    """The account of one provider."""

    def __init__(self, store: SealedStore, provider_id: UUID, settings: AcmeSettings, secrets: AcmeSecrets) -> None:
        self._store = store
        self._settings = settings
        self._secrets = secrets
        self._owner = ids.derive("acme-account", provider_id, settings.directory_url)
        self._place = ids.derive("acme-account-url", provider_id, settings.directory_url)

    async def key(self) -> JWKEC:
        """The key, made and sealed at the first call (P-256, signing as ES256)."""
        kept = await self._store.kept(self._owner, _KEY)
        if kept is None:
            fresh = to_pkcs8(ec.generate_private_key(ec.SECP256R1()))
            kept = await self._store.keep_first(self._owner, _KEY, fresh)
        key = from_pkcs8(kept)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return JWKEC(key=ComparableECKey(key))

    async def sign_in(self, client: AcmeClient) -> None:
        """Let the client sign with the account. Asking for one that is there already gives the same."""
        kept = await self._store.kept(self._place, _URL)
        if kept is None:
            url = await client.new_account(self._wish(client))
            kept = await self._store.keep_first(self._place, _URL, url.encode())
        client.use_account(kept.decode())

    async def forget_url(self) -> None:
        """The CA does not know the account: next time it is asked for by its key."""
        await self._store.forget(self._place)

    def _wish(self, client: AcmeClient) -> messages.NewRegistration:
        settings, meta = self._settings, client.directory["meta"]
        if meta.terms_of_service and not settings.terms_of_service_agreed:
            sentence = f"The CA wants its terms agreed to: read {meta.terms_of_service}, set terms_of_service_agreed."
            raise Refused(Code.VALIDATION_FAILED, sentence)
        if meta.external_account_required and settings.eab_key_id is None:
            sentence = "The CA wants an external account binding: set eab_key_id and the secret eab_hmac_key."
            raise Refused(Code.VALIDATION_FAILED, sentence)
        return messages.NewRegistration(
            contact=tuple(f"mailto:{mail}" for mail in settings.contact),
            terms_of_service_agreed=settings.terms_of_service_agreed or None,
            external_account_binding=self._binding(client),
        )

    def _binding(self, client: AcmeClient) -> dict[str, object] | None:
        """RFC 8555, 7.3.4."""
        if self._settings.eab_key_id is None or self._secrets.eab_hmac_key is None:
            return None
        secret = self._secrets.eab_hmac_key.translate(str.maketrans("+/", "-_")).rstrip("=")
        public, kid = client.key.public_key(), self._settings.eab_key_id
        return messages.ExternalAccountBinding.from_data(public, kid, secret, client.directory)
