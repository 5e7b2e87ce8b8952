"""Where the master keys of an installation are, by its settings."""

from adapters.keys.authorities import KeyPlace, KeysElsewhere
from adapters.keys.master_key import MasterKeys, MasterKeyUnusable, load_master_keys
from adapters.settings import LocalPki, Settings

MASTER_KEY = "master.key"


def load_keys(settings: Settings) -> MasterKeys:
    """All of them; those in a hardware module come first where one is set up. Raises MasterKeyUnusable."""
    path = settings.data / MASTER_KEY
    if settings.vault.pkcs11_module is None:
        return load_master_keys(path)
    try:
        from adapters.keys.pkcs11_key import open_keys
    except ModuleNotFoundError:  # an extra
        raise MasterKeyUnusable("PKCS#11 needs the extra: pip install 'certferry[pkcs11]'") from None
    return open_keys(settings.vault, path)


def key_place(settings: LocalPki) -> KeyPlace | None:
    """Where the key of Local PKI's issuing CA is held; None: it is sealed. Raises KeysElsewhere."""
    if settings.pkcs11_module is None:
        return None
    try:
        from adapters.keys.token_keys import TokenKeys
    except ModuleNotFoundError:  # an extra
        raise KeysElsewhere("PKCS#11 needs the extra: pip install 'certferry[pkcs11]'") from None
    return TokenKeys(settings)
