"""What to do next: where to look first, by what the figures below say."""

from dataclasses import dataclass

from documents.words import mark
from throughput.charts.xmr import limits_of, signals_of
from throughput.discreet import quantile
from throughput.small_cells import FEWEST
from throughput.spans import Wait
from web.figures_parts import FEWEST_POINTS, MARKS, Maker

_OLD = mark("In hand longer than {time}, within which {share} are delivered: {count}. Begin with the oldest.")
_WAITING = mark(
    "Tasks lie longest before anybody takes them in “{state}”: {time} on average. Look there first."
)
_WAITED = mark(
    "Most of the waiting before anybody takes a task is in “{state}”: {time} each on average."
    " Look there first."
)
_LONGER = mark("The median lead of what was delivered from {day} on is longer than chance makes it: ask why.")
_SHORTER = mark(
    "The median lead of what was delivered from {day} on is shorter than chance makes it: ask why."
)
_NOTHING = mark("Nothing here asks for anything.")
_WAIT = mark("Wait until five requests or more are delivered, or choose a longer time.")


@dataclass(frozen=True)
class Step:
    """What to do, and the part of the page that says why; "" where there is none."""

    said: str
    part: str = ""


@dataclass(frozen=True)
class NextParts(Maker):
    """Makes the sentences; what is about how many there were is for who may know that."""

    def all(self) -> list[Step]:
        """The most pressing first; one sentence at least."""
        steps = [self._old(), self._changed()] if self.counted else []
        found = [one for one in (*steps, self._waiting()) if one is not None]
        if found:
            return found
        return [Step(self.say(_NOTHING if self.told.whole.delivered >= FEWEST else _WAIT))]

    def _old(self) -> Step | None:
        """What is older than nearly all ever get."""
        lead = self.told.whole.lead
        known = [(share, at) for share in MARKS[1:] if (at := quantile(lead, share)) is not None]
        if not known:
            return None
        share, at = known[-1]
        count = sum(self.age(one) > at for one in self.told.in_hand if one.delivered_at is None)
        if not count:
            return None
        said = self.say(_OLD).format(
            count=self.wording.count(count), time=self.wording.time(at), share=self.wording.percent(share, 0)
        )
        return Step(said, "ageing")

    def _changed(self) -> Step | None:
        """Whether the last week or month is a signal of the control chart."""
        passed = self.told.passed
        medians = [one.median_s for one in passed]
        limits = limits_of(medians) if len(passed) >= FEWEST_POINTS else None
        if limits is None or not signals_of(medians, limits)[-1]:
            return None
        said = self.say(_LONGER if medians[-1] > limits.mean else _SHORTER)
        return Step(said.format(day=self.wording.day(passed[-1].first, year=True)), "control")

    def _waiting(self) -> Step | None:
        """Where tasks wait most in all; to who may not know how many there are, where each waits longest."""
        waits = [
            (mean * one.n if self.counted else mean, mean, one.state)
            for one in self.told.spent
            if one.n >= FEWEST and (mean := one.seconds.get(Wait.QUEUE, 0.0))
        ]
        if not waits:
            return None
        _, mean, state = max(waits)
        said = self.say(_WAITED if self.counted else _WAITING)
        said = said.format(state=self.names.state(state), time=self.wording.time(mean))
        return Step(said, "spans")
