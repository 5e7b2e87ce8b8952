"""Message buses, which are of the kind `files`, and Tomcat."""

import hashlib
import shutil
import socket
import ssl
import subprocess
from typing import Any

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from tests.bridge.pki import Issued
from tests.support.components import require
from tests.support.services.base import Server, free_port


class Mosquitto(Server):
    """The kind `files`: a signal."""

    needs = ("mosquitto",)

    def configure(self) -> tuple[str, ...]:
        (self.directory / "mosquitto.conf").write_text(
            f"per_listener_settings false\nallow_anonymous true\npid_file {self.directory}/mosquitto.pid\nuser root\n"
            f"listener {self.port} 127.0.0.1\ncertfile {self.chain}\nkeyfile {self.key}\n"
        )
        return (str(self.program), "-c", str(self.directory / "mosquitto.conf"))

    def told(self) -> dict[str, Any]:
        return {"signal": "HUP", "pid_file": f"{self.directory}/mosquitto.pid"}


class Nats(Server):
    """The kind `files`: a signal. It says INFO in clear before TLS, which OpenSSL's client does not know."""

    needs = ("nats-server",)
    refuses_weak_keys = False
    swallows_foreign_keys = True

    def configure(self) -> tuple[str, ...]:
        (self.directory / "nats.conf").write_text(
            f'listen: "127.0.0.1:{self.port}"\npid_file: "{self.directory}/nats.pid"\n'
            f'tls {{ cert_file: "{self.chain}", key_file: "{self.key}" }}\n'
        )
        return (str(self.program), "-c", str(self.directory / "nats.conf"))

    def told(self) -> dict[str, Any]:
        return {"signal": "HUP", "pid_file": f"{self.directory}/nats.pid", "starttls": "nats"}

    def _shown(self) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain:
            while not plain.recv(4_096).endswith(b"\r\n"):
                pass
            with context.wrap_socket(plain, server_hostname="localhost") as tls:
                return hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest()


class Tomcat(Server):
    kind = "tomcat"
    store, store_type = "keystore.p12", "PKCS12"
    needs = ("tomcat10", "tomcat10-admin", "keytool")
    as_root = True  # Debian's configuration, which the test's is made of, is for the service's group only
    refuses_weak_keys = False

    def prepare(self) -> None:
        self.secrets = {"keystore_password": "changeit", "manager_password": "pass-word"}
        for name in ("conf/Catalina/localhost", "logs", "temp", "webapps", "work"):
            (self.directory / name).mkdir(parents=True)
        for name in ("web.xml", "catalina.properties"):
            shutil.copy(f"/etc/tomcat10/{name}", self.directory / "conf")
        context = '<Context docBase="/usr/share/tomcat10-admin/manager" privileged="true" antiResourceLocking="false"/>'
        (self.directory / "conf/Catalina/localhost/manager.xml").write_text(context)
        user = '<user username="certferry" password="pass-word" roles="manager-script"/>'
        (self.directory / "conf/tomcat-users.xml").write_text(f"<tomcat-users>{user}</tomcat-users>")

    def first_files(self, first: Issued) -> dict[str, bytes]:
        encryption = BestAvailableEncryption(b"changeit")
        return {
            "keystore.p12": pkcs12.serialize_key_and_certificates(
                b"first", first.key, first.certificate, first.chain, encryption
            )
        }

    def configure(self) -> tuple[str, ...]:
        self._manager = free_port()
        store = f'certificateKeystoreFile="{self.root}/current/{self.store}"'
        store += f' certificateKeystoreType="{self.store_type}"'
        (self.directory / "conf/server.xml").write_text(
            f'<Server port="-1"><GlobalNamingResources><Resource name="Users" auth="Container" '
            'type="org.apache.catalina.UserDatabase" factory="org.apache.catalina.users.MemoryUserDatabaseFactory" '
            'pathname="conf/tomcat-users.xml"/></GlobalNamingResources><Service name="Catalina">'
            f'<Connector port="{self._manager}" address="127.0.0.1"/>'
            f'<Connector port="{self.port}" address="127.0.0.1" SSLEnabled="true" scheme="https" secure="true">'
            f'<SSLHostConfig><Certificate {store} certificateKeystorePassword="changeit"/></SSLHostConfig></Connector>'
            '<Engine name="Catalina" defaultHost="localhost"><Realm resourceName="Users" '
            'className="org.apache.catalina.realm.UserDatabaseRealm"/><Host name="localhost" appBase="webapps"/>'
            "</Engine></Service></Server>"
        )
        return (str(self.program), "run")

    def environment(self) -> dict[str, str]:
        return {
            "CATALINA_BASE": str(self.directory),
            "CATALINA_HOME": "/usr/share/tomcat10",
            "CATALINA_OPTS": "-XX:TieredStopAtLevel=1 -Djava.security.egd=file:/dev/./urandom",
        }

    def told(self) -> dict[str, Any]:
        return {"api": f"127.0.0.1:{self._manager}", "api_user": "certferry"}


class TomcatWithJks(Tomcat):
    """With the older key store; the first one is made by Java's own tool."""

    store, store_type = "keystore.jks", "JKS"

    def prepare(self) -> None:
        super().prepare()
        (by_hand,) = self.root.glob("by-hand")
        given = ("-srckeystore", str(by_hand / "keystore.p12"), "-srcstorepass", "changeit")
        made = ("-destkeystore", str(by_hand / "keystore.jks"), "-deststoretype", "JKS", "-deststorepass", "changeit")
        keytool("-importkeystore", "-noprompt", *given, *made)


def keytool(*arguments: str) -> str:
    """What Java's own tool says of a store."""
    argv = [str(require("keytool")), "-J-Duser.language=en", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
