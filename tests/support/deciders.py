"""Given events, when a decision, then events: the language of the domain's tests.

    given(requested).when(work_order.approve, by(APPROVER)).then(PushApproved(...))
    given(requested).when(work_order.approve, by(REQUESTER)).refused(Code.APPROVAL_NOT_ALLOWED)

`given` folds each history with the aggregate its events belong to; a decision on two aggregates takes
`given(connector_events).and_given(work_order_events)`. The states come first among the decision's arguments, None for
an empty history. `then` shows that exactly these events follow, and folds them, so that `.state` can be looked at.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from domain.catalogue import AGGREGATE_OF
from domain.deployment import Outcome
from domain.entity import Event
from domain.errors import Code, Refused


def state_of(*history: Event) -> Any:
    """The state that a history folds to, None for an empty one."""
    return AGGREGATE_OF[type(history[0])].fold(history) if history else None


class Then(NamedTuple):
    """What a decision came to: events or a refusal, never both."""

    histories: tuple[tuple[Event, ...], ...]
    decided: Any
    refusal: Refused | None

    @property
    def state(self) -> Any:
        """The (first) aggregate's state after its events."""
        return self.states[0]

    @property
    def states(self) -> tuple[Any, ...]:
        """Each aggregate's state after its events."""
        streams = zip(self.histories, self._streams(), strict=False)
        return tuple(state_of(*history, *events) for history, events in streams)

    def then(self, *expected: Event) -> "Then":
        """Exactly these events follow, on the one aggregate."""
        self._not_refused()
        assert expected == self.decided
        return self

    def then_nothing(self) -> "Then":
        """A repeat: no event, no refusal."""
        self._not_refused()
        assert not any(self._streams())
        return self

    def then_on_each(self, *expected: tuple[Event, ...]) -> "Then":
        """Exactly these events follow, stream by stream in the order of the given histories."""
        self._not_refused()
        assert expected == self._streams()
        return self

    def refused(self, code: Code, *, saying: str = "", records: tuple[Event, ...] = (), **extra: object) -> Refused:
        """Refused with this code, a sentence that contains `saying`, these records and exactly these extras."""
        assert self.refusal is not None, f"not refused, but decided: {self.decided}"
        assert code == self.refusal.code
        assert saying in self.refusal.detail
        assert records == self.refusal.records
        assert all(self.refusal.extra.get(name) == value for name, value in extra.items()), self.refusal.extra
        return self.refusal

    def _not_refused(self) -> None:
        assert self.refusal is None, f"refused: {self.refusal!r}"

    def _streams(self) -> tuple[tuple[Event, ...], ...]:
        if isinstance(self.decided, Outcome):
            return self.decided.connector, self.decided.work_order
        return (self.decided,)


class Given(NamedTuple):
    """One history per aggregate that the decision looks at."""

    histories: tuple[tuple[Event, ...], ...]

    def and_given(self, *history: Event) -> "Given":
        """The history of one more aggregate."""
        return Given((*self.histories, history))

    def when(self, decision: Callable[..., Any], *args: Any, **kwargs: Any) -> Then:
        """Decide on the folded states."""
        states = [state_of(*history) for history in self.histories]
        try:
            return Then(self.histories, decision(*states, *args, **kwargs), None)
        except Refused as refused:
            return Then(self.histories, None, refused)


def given(*history: Event) -> Given:
    """What has happened to the aggregate so far."""
    return Given((history,))
