"""Messages to a real rsyslog by every transport, and to receivers that misbehave."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from adapters.syslog.failures import error_of
from adapters.syslog.messages import Message, Severity, encoded
from adapters.syslog.receivers import Receiver, parse_receiver
from adapters.syslog.sending import Line, Trust, line_to
from application.syslog_watch import SyslogError
from tests.adapters.syslog.by_the_book import parse_element
from tests.support.rsyslog import rsyslogd

AT = datetime(2026, 3, 14, 9, 26, 53, 5, tzinfo=UTC)
ODD = 'quote " bracket ] backslash \\ é 漢 𝄞'


def message(number: int = 1, text: str = '{"a":"\\u00e9\\n]"}') -> bytes:
    values = (("number", str(number)), ("odd", ODD))
    return encoded(
        Message(severity=Severity.WARNING, at=AT, kind="access.denied", element="event", values=values, text=text)
    )


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """An authority, a server of the name localhost, and a client."""
    directory, authority = tmp_path / "tls", trustme.CA()
    directory.mkdir()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name, certificate in (
        ("server", authority.issue_cert("localhost")),
        ("client", authority.issue_cert("certferry")),
    ):
        certificate.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
        certificate.private_key_pem.write_to_path(directory / f"{name}.key")
    return directory


@pytest.mark.parametrize("transport", ["local", "udp", "tcp"])
def test_messages_arrive_as_they_were(tmp_path: Path, transport: str) -> None:
    """In order; header, structured data and text as rsyslog understands them, whatever characters they hold."""
    with rsyslogd(tmp_path) as daemon:
        line_to(parse_receiver(daemon.address(transport))).send([message(number) for number in range(3)])
        received = daemon.wait_for(3)
    for number, found in enumerate(received):
        name, parameters, _ = parse_element(found.structured_data.encode())
        assert (name, dict(parameters)) == ("event@32473", {"number": str(number), "odd": ODD})
        assert (found.app_name, found.message_id, found.priority) == ("certferry", "access.denied", "108")
        assert datetime.fromisoformat(found.at) == AT
        assert found.text == '{"a":"\\u00e9\\n]"}'


def test_over_tls_where_each_side_knows_the_other(tmp_path: Path, tls: Path) -> None:
    """A receiver that wants a certificate gets ours; without it, or where its own is not trusted, nothing arrives."""
    ours = Trust(ca_file=tls / "ca.pem", certificate_file=tls / "client.pem", key_file=tls / "client.key")
    with rsyslogd(tmp_path, tls, client_certificates=True) as daemon:
        receiver = parse_receiver(daemon.address("tls"))
        line_to(receiver, ours).send([message(number) for number in range(100)])
        assert len(daemon.received()) == 100
        for trust in (Trust(ca_file=tls / "ca.pem"), Trust()):
            assert failed(line_to(receiver, trust)) in {SyslogError.TLS_ERROR, SyslogError.CONNECTION_LOST}
        elsewhere = receiver._replace(host="127.0.0.1")  # which the certificate does not name
        assert failed(line_to(elsewhere, ours)) is SyslogError.TLS_ERROR
        assert len(daemon.received()) == 100


def failed(line: Line, messages: int = 1) -> SyslogError:
    """What sending says."""
    with pytest.raises(OSError) as raised:
        line.send([message(number) for number in range(messages)])
    return error_of(raised.value)


def test_what_was_read_has_arrived(tmp_path: Path) -> None:
    """Sending returns once rsyslog has read everything: nothing has to be waited for, however much it was."""
    with rsyslogd(tmp_path) as daemon:
        line = line_to(parse_receiver(daemon.address("tcp")))
        for size in (1, 1000):
            line.send([message(number) for number in range(size)])
        assert len(daemon.received()) == 1001


@contextmanager
def peer(behave: Callable[[socket.socket], object]) -> Iterator[Receiver]:
    """A TCP receiver that does whatever it likes with a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Receiver("tcp", "127.0.0.1", server.getsockname()[1])
        finally:
            thread.join(30)


def nothing_read(connection: socket.socket) -> None:
    connection.close()


def some_read(connection: socket.socket) -> None:
    connection.recv(10)


def all_but_the_end_read(connection: socket.socket) -> None:
    connection.recv(len(message(0)))


def reset(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("behave", [nothing_read, some_read, all_but_the_end_read, reset])
def test_a_receiver_that_has_not_read_everything_is_known(behave: Callable[[socket.socket], object]) -> None:
    """However it ends the connection: what it was sent counts as lost, and will be sent again."""
    with peer(behave) as receiver:
        assert failed(Line(receiver, timeout=5.0), 100) is SyslogError.CONNECTION_LOST


def test_a_receiver_that_does_not_end_the_connection_or_stops_reading() -> None:
    """Is waited for so long and no longer."""
    ended = threading.Event()
    with peer(lambda _: ended.wait(30)) as receiver:
        assert failed(Line(receiver, timeout=0.2)) is SyslogError.TIMEOUT
        ended.set()


def test_a_line_that_is_cut_ends_at_once_and_for_good() -> None:
    """What is under way has failed; nothing is sent any more."""
    arrived = threading.Event()

    def read(connection: socket.socket) -> None:
        connection.recv(10)
        arrived.set()
        while connection.recv(65_536):
            pass
        connection.recv(1)

    with peer(read) as receiver:
        line = Line(receiver, timeout=30.0)

        def cut() -> None:
            arrived.wait(30)
            line.cut()

        cutting = threading.Thread(target=cut)
        cutting.start()
        endless = (message(number) for number in iter(int, 1))
        with pytest.raises(OSError):
            line.send(endless)
        cutting.join(30)
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(Receiver("tcp", "127.0.0.1", server.getsockname()[1]))
        line.cut()
        with pytest.raises(ConnectionAbortedError):
            line.send([message()])


def test_what_is_cut_while_it_waits_for_the_end_is_not_sent() -> None:
    """We ended the connection, not the receiver: nobody knows what its program has read."""
    arrived, released = threading.Event(), threading.Event()

    def read(connection: socket.socket) -> None:
        while connection.recv(65_536):
            pass
        arrived.set()
        released.wait(30)

    with peer(read) as receiver:
        line = Line(receiver, timeout=30.0)

        def cut() -> None:
            arrived.wait(30)
            line.cut()

        cutting = threading.Thread(target=cut)
        cutting.start()
        assert failed(line) is SyslogError.CONNECTION_LOST
        cutting.join(30)
        released.set()


def test_nobody_there(tmp_path: Path) -> None:
    """Refused connections, unknown names, sockets that do not exist."""
    for address, error in (
        ("tcp://127.0.0.1:1", SyslogError.CONNECTION_REFUSED),
        ("tls://127.0.0.1:1", SyslogError.CONNECTION_REFUSED),
        ("tcp://nowhere.invalid:514", SyslogError.NO_SUCH_NAME),
        (str(tmp_path / "log"), SyslogError.NO_ROUTE),
    ):
        assert failed(line_to(parse_receiver(address))) is error, address


def test_plain_tcp_is_no_tls(tmp_path: Path) -> None:
    """A receiver without TLS gets nothing it could take for a message."""
    with rsyslogd(tmp_path) as daemon:
        line = Line(parse_receiver(daemon.address("tls")), Trust().context(), timeout=2.0)
        assert failed(line) in {SyslogError.TLS_ERROR, SyslogError.TIMEOUT, SyslogError.CONNECTION_LOST}
        file = daemon.directory / "received"
        assert not file.exists() or b"access.denied" not in file.read_bytes()


@pytest.mark.parametrize(
    "address",
    ["", "log", "udp://host", "tcp://:514", "http://host:80", "udp://host:port", "tls://u:p@host:6514", "tcp://h:1/x"],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """When the process begins, not at the first message."""
    with pytest.raises(ValueError, match=r"syslog address|Port"):
        parse_receiver(address)


def test_an_ipv6_address_stands_in_brackets() -> None:
    """As in every URL."""
    assert parse_receiver("tls://[2001:db8::1]:6514") == Receiver("tls", "2001:db8::1", 6514)
