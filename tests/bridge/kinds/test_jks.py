"""Java's older key store: read by Java's own tool, and by a Tomcat that is told of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from bridge.drivers.services import jks
from tests.bridge.deploying import AUTHORITY, Deployer, config_for
from tests.support.services.base import running
from tests.support.services.others import TomcatWithJks, keytool

pytestmark = pytest.mark.needs("keytool", "tomcat10", "tomcat10-admin")


@pytest.fixture
def server() -> Iterator[TomcatWithJks]:
    with running(TomcatWithJks, AUTHORITY.server()) as started:
        assert isinstance(started, TomcatWithJks)
        yield started


async def test_tomcat_takes_it(server: TomcatWithJks) -> None:
    """After a push Tomcat shows the new certificate, from the store; pushed again nothing is written."""
    config = config_for(server.root, (), ()).__class__(roots=(str(server.root),), profiles={"web": server.profile()})
    settings = {"transport": "local", "root": str(server.root), "reload_profile": "web"}
    target = Deployer(settings, config, server.secrets, kind="tomcat")
    await target.apply(new := AUTHORITY.server())
    server.wait_until_serves(new.fingerprint)
    store = server.root / "current/keystore.jks"
    told = keytool("-list", "-v", "-keystore", str(store), "-storepass", "changeit").replace(":", "").lower()
    assert new.fingerprint in told
    assert "entry type privatekeyentry" in told
    assert "certificate chain length 2" in told
    assert (await target.apply(new, fence=2)).already_in_place


def test_the_key_is_the_one_that_was_given(tmp_path: Path) -> None:
    """Java takes it out again, with the password; and the store knows itself from others."""
    issued = AUTHORITY.server()
    key = issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chain = [each.public_bytes(Encoding.DER) for each in (issued.certificate, *issued.chain)]
    store = jks.write("certferry", key, chain, "changeit", b"s" * 20, 1_700_000_000_000)
    (tmp_path / "store.jks").write_bytes(store)
    keytool("-importkeystore", "-noprompt", "-srckeystore", str(tmp_path / "store.jks"), "-srcstoretype", "JKS",
            "-srcstorepass", "changeit", "-destkeystore", str(tmp_path / "store.p12"), "-deststoretype", "PKCS12",
            "-deststorepass", "changeit")  # fmt: skip
    found, leaf, above = pkcs12.load_key_and_certificates((tmp_path / "store.p12").read_bytes(), b"changeit")
    assert found is not None
    assert leaf == issued.certificate
    assert list(issued.chain) == above
    assert key == found.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert jks.holds(store, key, chain, "changeit")
    other = AUTHORITY.server().key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for given in ((other, chain, "changeit"), (key, chain[:1], "changeit"), (key, chain, "changed")):
        assert not jks.holds(store, *given)
    for broken in (b"", store[:-1], store[:200], bytes(len(store))):
        assert not jks.holds(broken, key, chain, "changeit")
