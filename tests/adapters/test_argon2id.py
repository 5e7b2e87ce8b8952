"""Passwords are kept as argon2id hashes of the cost that RFC 9106 recommends."""

from adapters.signing_in.argon2id import Argon2Passwords


async def test_a_hash_is_argon2id_with_64_mebibytes_and_a_salt_of_its_own() -> None:
    """RFC 9106, section 4, second recommended option: three passes, 64 MiB, four lanes."""
    passwords = Argon2Passwords()
    first, second = await passwords.hash("correct horse battery"), await passwords.hash("correct horse battery")
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert first != second
    assert await passwords.match(first, "correct horse battery")


async def test_only_the_password_matches() -> None:
    """Another one, a prefix, nothing kept (also with the password of nobody), what is no hash."""
    passwords = Argon2Passwords(passes=1, kibibytes=64)
    kept = await passwords.hash("correct horse battery")
    for given in ("Correct horse battery", "correct horse batter", "", "correct horse battery\0"):
        assert not await passwords.match(kept, given)
    assert not await passwords.match(None, "nobody")
    assert not await passwords.match(None, "")
