"""One prepared statement sent again and again on one connection, without waiting for the answers to those before.

libpq's pipeline mode (PostgreSQL documentation, 34.5): the server finds the next statement in its socket the moment it
has committed the one before, so it neither sleeps nor waits for a lock in between. A statement counts as answered when
its Sync is: an error of the commit itself comes after the row.

The driver's cursor is left out on purpose: it costs more of our CPU per statement than everything else here together.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import Diagnostic
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

Row = Sequence[bytes | None]


class Reply(NamedTuple):
    """The one row a statement answered, in binary; `unreplicated`: committed, but no standby has confirmed it."""

    row: Row
    unreplicated: bool


Answered = Callable[[Reply | psycopg.Error], None]
Lost = Callable[[Exception], None]


class Pipeline:
    """Answers come in the order of the statements, each to `answered` of its own; `lost` is called at most once, when
    the connection is gone: nobody knows then what became of the statements without an answer.
    """

    def __init__(self, connection: AsyncConnection[Any], statement: bytes, lost: Lost) -> None:
        """`statement`: the name of a prepared statement. The connection belongs to the pipeline from now on."""
        self._connection = connection
        self._wire = connection.pgconn
        self._statement = statement
        self._lost = lost
        self._waiting: deque[Answered] = deque()
        self._result: PGresult | None = None
        self._unreplicated = False
        self._writing = False
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._socket = self._wire.socket  # libpq forgets it when the connection is lost
        connection.add_notice_handler(self._notice)
        self._wire.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self._readable)

    def send(self, parameters: Row, answered: Answered) -> None:
        """Send the statement with binary parameters; may call `lost` before it returns."""
        self._waiting.append(answered)
        try:
            self._wire.send_query_prepared(
                self._statement, parameters, [Format.BINARY] * len(parameters), Format.BINARY
            )
            self._wire.pipeline_sync()
            self._flush()
        except psycopg.Error as error:
            self._end(error)

    def abandon(self) -> None:
        """Give the connection back, whatever is still unanswered; `lost` is not called."""
        self._ended = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._wire.finish()

    def _end(self, error: Exception) -> None:
        if not self._ended:
            self.abandon()
            self._lost(error)

    def _readable(self) -> None:
        try:
            self._wire.consume_input()
            self._take()
            if self._writing:  # the server reads on once we have taken what it said
                self._flush()
        except psycopg.Error as error:
            self._end(error)

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error as error:
            self._end(error)

    def _flush(self) -> None:
        """A large batch does not fit into the socket at once."""
        more = bool(self._wire.flush())
        if more and not self._writing:
            self._loop.add_writer(self._socket, self._writable)
        elif self._writing and not more:
            self._loop.remove_writer(self._socket)
        self._writing = more

    def _take(self) -> None:
        """Everything that has arrived whole. Raises what the server said before it closed the connection."""
        ended = False  # a statement's results end with a null; two in a row: there is nothing more to come
        while self._waiting and not self._wire.is_busy():
            result = self._wire.get_result()
            if result is None:
                if ended:
                    raise psycopg.OperationalError("the server has ended the connection")
                ended = True
                continue
            ended = False
            if result.status == ExecStatus.PIPELINE_SYNC:
                self._answer()
            elif self._result is None or self._result.status == ExecStatus.TUPLES_OK:
                self._result = result  # the first error after a row is what became of it

    def _answer(self) -> None:
        result, unreplicated = self._result, self._unreplicated
        self._result, self._unreplicated = None, False
        assert result is not None
        if result.status == ExecStatus.TUPLES_OK:
            row = [result.get_value(0, column) for column in range(result.nfields)]
            self._waiting.popleft()(Reply(row, unreplicated))
        else:
            self._waiting.popleft()(psycopg.errors.error_from_result(result))

    def _notice(self, diagnostic: Diagnostic) -> None:
        """A cancelled wait for a synchronous standby answers success with only this warning."""
        if diagnostic.sqlstate == "01000" and "committed locally" in (diagnostic.message_detail or ""):
            self._unreplicated = True
