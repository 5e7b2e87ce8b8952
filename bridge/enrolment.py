"""Enrolment: a one-time token and a pinned CA become the bridge's own certificate. Keys are made here and stay here."""

import base64
import ssl
from pathlib import Path

import httpx
import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bridge import state
from bridge.keys import key_and_request
from bridge.kinds import KINDS
from bridge.protocol import ENROL_PATH, EnrolAnswer, EnrolRequest
from bridge.text import clean
from bridge.tls import ServerRefused, check_url, pinned_authority, server_context
from bridge.version import VERSION

_SECONDS = 60.0


class EnrolmentFailed(Exception):
    """There is no certificate yet. The same command can be repeated: the keys and the request are kept."""


def enrol(directory: Path, url: str, token: str, pin: str) -> state.Identity:
    """Enrol the bridge whose state is in the directory. EnrolmentFailed, StateRefused or ServerRefused.

    Repeating it after a lost answer sends the very same request, so that the control plane can tell.
    """
    _make_keys(directory)
    host, port = check_url(url)
    try:
        context = server_context(pinned_authority(host, port, pin))
        answer = _ask(url, context, _request(directory, token))
    except (httpx.HTTPError, OSError) as error:
        raise EnrolmentFailed(f"{host}:{port} cannot be reached: {clean(str(error))}") from error
    return _keep(directory, url.rstrip("/"), answer)


def forget(directory: Path) -> None:
    """Forget an earlier enrolment, its keys too, before a new one."""
    state.remove(directory, state.IDENTITY, state.CERTIFICATE, state.REQUEST, state.KEY, state.HPKE_KEY)
    state.remove(directory, state.AUTHORITY, state.NEXT_KEY, state.NEXT_REQUEST, state.NEXT_CERTIFICATE)


def fingerprint(directory: Path) -> str:
    """SHA-256 of the bridge's certificate (hex): whoever approves the bridge compares it."""
    certificate = x509.load_pem_x509_certificate((directory / state.CERTIFICATE).read_bytes())
    return certificate.fingerprint(hashes.SHA256()).hex()


def _make_keys(directory: Path) -> None:
    if (directory / state.REQUEST).exists():
        return
    key, request = key_and_request()
    state.save(directory, state.KEY, key)
    state.save(directory, state.HPKE_KEY, X25519PrivateKey.generate().private_bytes_raw().hex())
    # Last: with it, the keys are complete.
    state.save(directory, state.REQUEST, request)


def _request(directory: Path, token: str) -> EnrolRequest:
    public_key = state.read_hpke_key(directory).public_key().public_bytes_raw()
    return EnrolRequest(
        token=token,
        csr_pem=(directory / state.REQUEST).read_text(),
        hpke_public_key=base64.b64encode(public_key).decode("ascii"),
        version=VERSION,
        kinds=tuple(KINDS),
    )


def _ask(url: str, context: ssl.SSLContext, request: EnrolRequest) -> EnrolAnswer:
    with httpx.Client(base_url=url, verify=context, timeout=_SECONDS, trust_env=False) as client:
        headers = {"content-type": "application/json"}
        response = client.post(ENROL_PATH, content=msgspec.json.encode(request), headers=headers)
    if not response.is_success:
        raise EnrolmentFailed(f"The control plane refuses with status {response.status_code}: {_detail(response)}")
    try:
        return msgspec.json.decode(response.content, type=EnrolAnswer)
    except msgspec.DecodeError as error:
        raise EnrolmentFailed(f"The control plane's answer is not understood: {error}.") from error


def _detail(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, object])
    except msgspec.DecodeError:
        return "it does not say why."
    return clean(str(problem.get("detail") or problem.get("title") or "it does not say why."))


def _keep(directory: Path, url: str, answer: EnrolAnswer) -> state.Identity:
    _check_certificate(directory, answer)
    state.save(directory, state.AUTHORITY, answer.ca_pem)
    state.save(directory, state.CERTIFICATE, answer.certificate_pem)
    identity = state.Identity(bridge_id=answer.bridge_id, name=clean(answer.name, 200), url=url)
    # Last: with it, the bridge is enrolled.
    state.save(directory, state.IDENTITY, msgspec.json.encode(identity).decode())
    return identity


def _check_certificate(directory: Path, answer: EnrolAnswer) -> None:
    try:
        certified = x509.load_pem_x509_certificate(answer.certificate_pem.encode()).public_key()
        x509.load_pem_x509_certificates(answer.ca_pem.encode())
        key = load_pem_private_key((directory / state.KEY).read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnrolmentFailed("The control plane's answer holds no usable certificates.") from error
    if certified != key.public_key():
        raise ServerRefused("The control plane's answer is a certificate for another key.")
