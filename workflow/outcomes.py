"""What becomes of an automatic step, and how patient the queue is with it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from workflow.commands import StepRef, StepTrouble


class Verdict(StrEnum):
    """What came of one try."""

    DONE = "done"
    RETRY = "retry"
    WAIT = "wait"
    GAVE_UP = "gave-up"


@dataclass(frozen=True)
class StepOutcome:
    """One try of one step. `code` is stable and goes into the log, `message` is what people are told.

    `plain` is what can be told and kept without naming anybody.
    """

    ref: StepRef
    verdict: Verdict
    code: str = ""
    message: str = ""
    after_s: float = 0.0
    plain: str = ""

    @classmethod
    def done(cls, ref: StepRef, code: str = "") -> Self:
        """The step is recorded, by this try or by somebody else's; or its request has moved on.

        With a `code` it was recorded that it can't be done, and why.
        """
        return cls(ref, Verdict.DONE, code)

    @classmethod
    def retry(cls, ref: StepRef, code: str, message: str, *, after_s: float = 0.0, plain: str = "") -> Self:
        """It may work later, and not before `after_s` seconds from now."""
        return cls(ref, Verdict.RETRY, code, message, after_s, plain)

    @classmethod
    def wait(cls, ref: StepRef, code: str, message: str, *, after_s: float) -> Self:
        """It has to wait for its turn somewhere, and comes back after `after_s` seconds: this is no try."""
        return cls(ref, Verdict.WAIT, code, message, after_s)

    @classmethod
    def gave_up(cls, ref: StepRef, code: str, message: str, *, plain: str = "") -> Self:
        """It will never work by itself: a person has to look."""
        return cls(ref, Verdict.GAVE_UP, code, message, plain=plain)

    @property
    def trouble(self) -> StepTrouble:
        """What the incident will say."""
        return StepTrouble(self.ref, self.code, self.message, self.plain)


@dataclass(frozen=True)
class Patience:
    """How often a step is tried, how long the waits are, and when a worker counts as dead.

    `tries` counts failures that somebody reported (waiting for a turn is none), `deaths` workers that died at
    the step. The wait doubles from `first_wait_s` to `longest_wait_s`; each is shortened by up to half, at
    random, so that steps that failed together do not come back together. A worker shows its life every
    `heartbeat_s`, and counts as dead after `silent_s` without.
    """

    tries: int = 13
    first_wait_s: float = 1.0
    longest_wait_s: float = 600.0
    deaths: int = 5
    heartbeat_s: float = 5.0
    silent_s: float = 20.0
    poll_s: float = 0.2

    def wait_s(self, tried: int, *, random: Callable[[], float]) -> float:
        """Seconds to wait after the try number `tried`, counted from 1; `random()` is in [0, 1)."""
        full = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tried - 1, 64))
        return full * (1 - random() / 2)


def crashed(error: Exception) -> str:
    """What is said of an error that nobody foresaw: its text may hold anything."""
    return f"An error that nobody foresaw: {type(error).__name__}. The worker's log tells where it arose."
