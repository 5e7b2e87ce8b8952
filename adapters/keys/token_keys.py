"""Keys of CAs that are made on a PKCS#11 token and sign there (ECDSA, P-256): nothing secret of them ever leaves it.

`cryptography` signs certificates, lists and answers with whatever is an `EllipticCurvePrivateKey`: here the token does
it, of a digest that is made here (CKM_ECDSA). Needs the extra `certferry[pkcs11]`.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import NoSuchKey, PKCS11Error
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters

from adapters.keys.authorities import KeysElsewhere
from adapters.keys.pkcs11_token import opened
from adapters.settings import LocalPki
from adapters.x509.private_keys import load_spki

T = TypeVar("T")
_SIGNS = MechanismFlag.SIGN | MechanismFlag.VERIFY
_KEPT_THERE = {Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True, Attribute.DERIVE: False}


class TokenKeys:
    """Implements `adapters.keys.authorities.KeyPlace`."""

    def __init__(self, settings: LocalPki) -> None:
        self._place = str(settings.pkcs11_module), settings.pkcs11_token, str.__str__(settings.pkcs11_pin)
        self._label = settings.pkcs11_key
        self._known: dict[str, tuple[Any, Any]] = {}

    def make(self) -> "TokenKey":
        """A new key pair on the token; its id is random: processes that start at once make keys of their own."""
        key_id = secrets.token_bytes(16)

        def act(session: Any) -> None:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
            wanted = session.create_domain_parameters(KeyType.EC, curve, local=True)
            wanted.generate_keypair(
                id=key_id, label=self._label, store=True, capabilities=_SIGNS, private_template=_KEPT_THERE
            )

        self._said(lambda: opened(*self._place).write(act))
        return self.named(key_id.hex())

    def named(self, name: str) -> "TokenKey":
        """The key that was made before."""
        return TokenKey(self, name, self._public(bytes.fromhex(name)))

    def discard(self, name: str) -> None:
        """Remove a key pair that nobody needs."""

        def act(session: Any) -> None:
            for each in list(session.get_objects({Attribute.ID: bytes.fromhex(name)})):
                each.destroy()

        self._said(lambda: opened(*self._place).write(act))

    def sign(self, name: str, digest: bytes) -> bytes:
        """The signature, r and s one after the other. Raises KeysElsewhere."""

        def act(session: Any) -> bytes:
            return bytes(self._private(session, name).sign(digest, mechanism=Mechanism.ECDSA))

        return self._said(lambda: opened(*self._place).call(act))

    def _private(self, session: Any, name: str) -> Any:
        """The key as this session knows it: looking for it takes longer than signing."""
        before, key = self._known.get(name, (None, None))
        if before is not session:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC, id=bytes.fromhex(name))
            self._known[name] = session, key
        return key

    def _public(self, key_id: bytes) -> ec.EllipticCurvePublicKey:
        def act(session: Any) -> bytes:
            key = session.get_key(object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC, id=key_id)
            return bytes(encode_ec_public_key(key))

        found = load_spki(self._said(lambda: opened(*self._place).call(act)))
        assert isinstance(found, ec.EllipticCurvePublicKey)
        return found

    def _said(self, act: Callable[[], T]) -> T:
        """What the module says, as a sentence: the kind of the error alone, none of its values."""
        module, token, _ = self._place
        try:
            return act()
        except NoSuchKey:
            sentence = f"the key of Local PKI is not on the PKCS#11 token {token!r} any more"
            raise KeysElsewhere(sentence) from None
        except (PKCS11Error, RuntimeError) as error:
            sentence = f"the PKCS#11 token {token!r} of {module} cannot be used ({type(error).__name__})"
            raise KeysElsewhere(sentence) from None


class TokenKey(ec.EllipticCurvePrivateKey):
    """A key on the token. `name`: by which it is found there."""

    def __init__(self, keys: TokenKeys, name: str, public: ec.EllipticCurvePublicKey) -> None:
        self._keys = keys
        self.name = name
        self._public = public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA, as RFC 3279, 2.2.3, writes it. Raises KeysElsewhere."""
        algorithm = signature_algorithm.algorithm
        digest = bytes(data) if isinstance(algorithm, Prehashed) else hashlib.new(algorithm.name, data).digest()
        found = self._keys.sign(self.name, digest)
        half = len(found) // 2
        return encode_dss_signature(int.from_bytes(found[:half], "big"), int.from_bytes(found[half:], "big"))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:  # noqa: ARG002 - refused
        self._refuse()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        self._refuse()

    def private_bytes(
        self,
        encoding: serialization.Encoding,  # noqa: ARG002 - refused
        format: serialization.PrivateFormat,  # noqa: A002, ARG002 - its name
        encryption_algorithm: serialization.KeySerializationEncryption,  # noqa: ARG002 - refused
    ) -> bytes:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError("this key is on a token, signs, and does not leave it")

    def __copy__(self) -> "TokenKey":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenKey":
        return self

    def __repr__(self) -> str:
        return f"TokenKey({self.name})"
