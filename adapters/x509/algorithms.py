"""Public names of key algorithms: `rsa-2048`, `ec-384`, `ed25519`."""

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

_EC_NAMES = {"secp256r1": "ec-256", "secp384r1": "ec-384", "secp521r1": "ec-521"}


def algorithm_name(key: object) -> str:
    """The public name of a public or private key's algorithm. Raises ValueError for kinds that TLS has no use for."""
    match key:
        case rsa.RSAPublicKey() | rsa.RSAPrivateKey():
            return f"rsa-{key.key_size}"
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            return _EC_NAMES.get(key.curve.name, f"ec-{key.curve.name}")
        case ed25519.Ed25519PublicKey() | ed25519.Ed25519PrivateKey():
            return "ed25519"
        case ed448.Ed448PublicKey() | ed448.Ed448PrivateKey():
            return "ed448"
        case _:
            raise ValueError(f"keys of type {type(key).__name__} are not supported")
