"""Tomcat: a key store, and the `sslReload` of its manager application (Manager App How-To), without a restart.

`certificateKeystoreFile` in server.xml is `<place>/current/keystore.p12`, `certificateKeystoreType` is PKCS12; or
`keystore.jks` and JKS, for what is too old for the former. The key in both has the store's password.
"""

import base64
import secrets
import time

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from bridge.drivers.failure import DriverFailure
from bridge.drivers.host import Host
from bridge.drivers.judging import judge_pair
from bridge.drivers.pair import Pair
from bridge.drivers.place import Place
from bridge.drivers.service import Derived, Service
from bridge.drivers.services import jks
from bridge.drivers.services.talking import ask
from bridge.kinds import TomcatSecrets
from bridge.protocol import FailureCause

KEYSTORE, JKS = "keystore.p12", "keystore.jks"
_ALIAS = "certferry"


def _password(place: Place) -> bytes:
    assert isinstance(place.secrets, TomcatSecrets)
    return place.secrets.keystore_password.encode()


def _keystore(pair: Pair, place: Place) -> bytes:
    leaf, *above = x509.load_pem_x509_certificates(pair.fullchain)
    key = load_pem_private_key(pair.private_key, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        message = "A PKCS#12 key store is made for RSA, EC and Ed25519 keys only."
        raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, message)
    encryption = BestAvailableEncryption(_password(place))
    return pkcs12.serialize_key_and_certificates(_ALIAS.encode(), key, leaf, above, encryption)


def _is_keystore(content: bytes, pair: Pair, place: Place) -> bool:
    """Salted anew each time: it is opened, with the password of now, and what it holds is compared."""
    try:
        key, leaf, above = pkcs12.load_key_and_certificates(content, _password(place))
    except ValueError:
        return False
    if key is None or leaf is None:
        return False
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, *above))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (chain, private) == (pair.fullchain, pair.private_key)


def _jks(pair: Pair, place: Place) -> bytes:
    key, chain = _der(pair)
    return jks.write(_ALIAS, key, chain, _password(place).decode(), secrets.token_bytes(20), int(time.time() * 1000))


def _is_jks(content: bytes, pair: Pair, place: Place) -> bool:
    return jks.holds(content, *_der(pair), _password(place).decode())


def _der(pair: Pair) -> tuple[bytes, list[bytes]]:
    key = load_pem_private_key(pair.private_key, None).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return key, [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pair.fullchain)]


async def _take(host: Host, place: Place) -> str:
    assert place.reload.api is not None
    assert isinstance(place.secrets, TomcatSecrets)
    password = place.secrets.manager_password or ""
    credentials = base64.b64encode(f"{place.reload.api_user or ''}:{password}".encode()).decode("ascii")
    headers = (("Authorization", f"Basic {credentials}"),)
    status, body = await ask(host, place.reload.api, "GET", "/manager/text/sslReload", headers=headers)
    said = body.decode("utf-8", "replace")
    if status in {401, 403}:
        raise DriverFailure(FailureCause.PERMISSION_DENIED, f"Tomcat's manager refuses the login (status {status}).")
    if status != 200 or not said.startswith("OK"):
        words = said if said.startswith("FAIL") else f"status {status}"
        raise DriverFailure(judge_pair(words, place.directory), f"Tomcat refuses: {words}")
    return said


TOMCAT = Service(judge_pair, (Derived(KEYSTORE, _keystore, _is_keystore), Derived(JKS, _jks, _is_jks)), _take)
