"""One thread that holds many connections at once, each for one small message and its answer.

A thread of its own with a loop of its own (epoll): per endpoint asyncio's tasks and transports would cost as much as
all the rest. How many connections there are at once is bounded, in all and per host, whoever asks.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bridge.probing.policy import Address
from bridge.probing.reasons import Reason, unreachable
from bridge.probing.sweeping import tls12
from bridge.probing.sweeping.connection import Connection, Talk
from bridge.probing.sweeping.flight import Flight, NewerOnly
from bridge.probing.sweeping.tls13 import flight as tls13

_LOOKS = 0.05
"""Seconds between two looks at who is too late."""

_EVENTS = 512


class Target(NamedTuple):
    """What is connected to; connections are counted by address. `challenge`: the random bytes of the ClientHello."""

    address: Address
    port: int
    server_name: str | None
    challenge: bytes | None = None


class Ended(NamedTuple):
    """No answer at all: `connected` tells how far it came."""

    connected: bool
    reason: Reason


Outcome = Flight | tls13.Shown | Ended | None
"""What was shown, and its signature holds; an end without an answer; None: another answer, to be looked at in full."""

Done = Callable[[list[Outcome]], None]


class _Batch:
    def __init__(self, targets: Sequence[Target], seconds: float, done: Done) -> None:
        self.targets, self.seconds, self.done = targets, seconds, done
        self.outcomes: list[Outcome] = [None] * len(targets)
        self.left = len(targets)


class Sweep:
    """At most `total` connections at once, `per_host` to one host. The thread begins with the first question."""

    def __init__(self, total: int = 256, per_host: int = 8) -> None:
        self._total, self._per_host = total, per_host
        self._asked: deque[_Batch] = deque()
        self._waiting: deque[tuple[_Batch, int]] = deque()
        self._held: dict[Address, deque[tuple[_Batch, int]]] = {}
        self._of_host: dict[Address, int] = {}
        self._open: dict[int, tuple[Connection, _Batch, int, float]] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, targets: Sequence[Target], seconds: float, done: Done) -> None:
        """Have all of them looked at, each in so many seconds from its turn on; `done` is called in the thread."""
        if not targets:
            done([])
            return
        with self._lock:
            self._asked.append(_Batch(targets, seconds, done))
            if self._thread is None:
                self._poll, self._wake = select.epoll(), os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
                self._poll.register(self._wake, select.EPOLLIN)
                self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
                self._thread.start()
            os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        next_look = 0.0
        while not self._is_idle():
            for fd, _ in self._poll.poll(_LOOKS, _EVENTS):
                if fd == self._wake:
                    self._take()
                elif entry := self._open.get(fd):
                    self._go_on(fd, entry)
            if (now := time.monotonic()) >= next_look:
                self._end_late(now)
                next_look = now + _LOOKS
            self._begin()

    def _is_idle(self) -> bool:
        """Nothing to do: then there is no thread, until somebody asks again."""
        if self._open or self._waiting:
            return False
        with self._lock:
            if self._asked:
                return False
            self._poll.close()
            os.close(self._wake)
            self._thread = None
            return True

    def _take(self) -> None:
        os.eventfd_read(self._wake)
        while self._asked:
            batch = self._asked.popleft()
            self._waiting.extend((batch, number) for number in range(len(batch.targets)))

    def _begin(self) -> None:
        while self._waiting and len(self._open) < self._total:
            batch, number = self._waiting.popleft()
            host = batch.targets[number].address
            if self._of_host.get(host, 0) < self._per_host:
                self._connect(batch, number, host)
            else:
                self._held.setdefault(host, deque()).append((batch, number))

    def _connect(self, batch: _Batch, number: int, host: Address) -> None:
        target = batch.targets[number]
        self._of_host[host] = self._of_host.get(host, 0) + 1
        talk = tls12.Talk(target.server_name, target.challenge)
        self._open_one(batch, number, talk, time.monotonic() + batch.seconds)

    def _open_one(self, batch: _Batch, number: int, talk: Talk, deadline: float) -> None:
        target = batch.targets[number]
        try:
            connection = Connection(target.address, target.port, talk)
        except OSError as error:
            self._settle(batch, number, _no_connection(error))
            return
        fd = connection.fd
        self._open[fd] = connection, batch, number, deadline
        self._poll.register(fd, select.EPOLLIN if connection.greeted else select.EPOLLOUT)

    def _go_on(self, fd: int, entry: tuple[Connection, _Batch, int, float]) -> None:
        connection, batch, number, deadline = entry
        outcome: Outcome
        try:
            if not connection.greeted:
                connection.greet()
                self._poll.modify(fd, select.EPOLLIN)
                return
            outcome, complete = connection.read()
        except NewerOnly:
            del self._open[fd]
            connection.close()
            self._open_one(batch, number, tls13.Talk(batch.targets[number].server_name), deadline)
            return
        except OSError as error:
            outcome, complete = None if connection.greeted else _no_connection(error), True
        if complete:
            self._close(fd, connection, batch, number, outcome)

    def _end_late(self, now: float) -> None:
        late = [(fd, entry) for fd, entry in self._open.items() if entry[3] <= now]
        for fd, (connection, batch, number, _) in late:
            self._close(fd, connection, batch, number, Ended(connected=connection.greeted, reason=Reason.TIMEOUT))

    def _close(self, fd: int, connection: Connection, batch: _Batch, number: int, outcome: Outcome) -> None:
        del self._open[fd]
        connection.close()
        self._settle(batch, number, outcome)

    def _settle(self, batch: _Batch, number: int, outcome: Outcome) -> None:
        host = batch.targets[number].address
        if (left := self._of_host[host] - 1) > 0:
            self._of_host[host] = left
        else:
            del self._of_host[host]
        if held := self._held.get(host):
            self._waiting.appendleft(held.popleft())
            if not held:
                del self._held[host]
        batch.outcomes[number] = outcome
        batch.left -= 1
        if not batch.left:
            batch.done(batch.outcomes)


def _no_connection(error: OSError) -> Ended | None:
    """A connection that stood, and was reset at once, is for a whole handshake to tell of."""
    gone = isinstance(error, (ConnectionResetError, BrokenPipeError))
    return None if gone else Ended(connected=False, reason=unreachable(error))
