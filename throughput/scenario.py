"""What is assumed of a way of signing, and where each assumption comes from."""

from dataclasses import dataclass, fields
from math import ceil, isfinite
from typing import Literal

from throughput.errors import ScenarioUnusable

DAY_MIN = 480.0  # an office day of eight hours
WEEK_MIN = 5 * DAY_MIN
CLERKS_MOST = 10_000


@dataclass(frozen=True)
class Scenario:
    """The assumptions about one way of signing. Minutes and days are of the office's time.

    `manager_median_min`: until it is at the clerks' queue, each time; `handling_min`: of a clerk, each time
    it is there; `return_rate`: how often it goes back. `suspended_share`: so often it waits for somebody
    outside, for `suspended_days` in the mean, and the clerk goes on with others. `paper_min`: a clerk's work
    once it is approved, such as printing and posting. `signing_every_days`: paper waits for the next round of
    signing; 0: it waits for its signer alone. `post_days`: until it is with the requester. `variation` and
    the like: standard deviation over mean, of people's work and waits.
    """

    name: str
    per_week: float = 100
    handling_min: float = 10
    variation: float = 0.5
    manager_median_min: float = DAY_MIN
    manager_variation: float = 1.0
    return_rate: float = 0.2
    clerks: float = 1  # people at the queue at the same time
    clerk_share: float = 0.7  # of their day that is for this work
    suspended_share: float = 0
    suspended_days: float = 0
    paper_min: float = 0
    signing_every_days: float = 0
    signer_wait_min: float = 0  # median
    signer_variation: float = 1.0
    signer_min: float = 0.5
    post_days: float = 0
    provider_s: float = 0

    def __post_init__(self) -> None:
        """Refuse what can't be. Raises ScenarioUnusable."""
        positive = ("per_week", "handling_min", "clerks", "clerk_share", "manager_median_min")
        wrong = [name for name in positive if not getattr(self, name) > 0]
        free = {field.name for field in fields(self)} - {"name", *positive}
        wrong += [name for name in sorted(free) if getattr(self, name) < 0]
        wrong += [name for name in sorted(free | {*positive}) if not isfinite(getattr(self, name))]
        wrong += ["return_rate"] if self.return_rate >= 1 else []
        wrong += ["clerks"] if self.clerks > CLERKS_MOST else []
        wrong += [name for name in ("clerk_share", "suspended_share") if getattr(self, name) > 1]
        if wrong:
            raise ScenarioUnusable(
                f"{self.name}: {', '.join(dict.fromkeys(wrong))} can't be so.",
                hint=f"Give numbers above 0, shares up to 1, clerks up to {CLERKS_MOST:,}.",
            )

    @property
    def load(self) -> float:
        """The clerks' work over the time they have for it; from 1 on the queue grows without end."""
        each = self.handling_min / (1 - self.return_rate) + self.paper_min
        return self.per_week * each / (ceil(self.clerks) * self.clerk_share * WEEK_MIN)


@dataclass(frozen=True)
class Input:
    """Where an assumption comes from: measured of so many (`n`), claimed by the source, or assumed; simulated
    where what was measured is an invented past.
    """

    origin: Literal["measured", "simulated", "claimed", "assumed"]
    n: int | None = None

    def __str__(self) -> str:
        return self.origin if self.n is None else f"{self.origin}, n = {self.n}"


SOURCE = (
    Scenario("A0", handling_min=10, signing_every_days=2, signer_min=1, post_days=2),
    Scenario("A1", handling_min=6.75),
    Scenario("A3", handling_min=6.1, provider_s=2),
)
"""The source's handling minutes at its 100 a week; everything else is assumed."""
NEVER_MEASURED = frozenset({"claimed", "assumed"})
CLAIMED = frozenset({"handling_min", "per_week"})


def assumed(scenario: Scenario) -> dict[str, Input]:
    """Where the assumptions of a scenario come from that nothing was measured for."""
    source = next((one for one in SOURCE if one.name == scenario.name), None)
    claims = {name for name in CLAIMED if source and getattr(source, name) == getattr(scenario, name)}
    names = (field.name for field in fields(scenario) if field.name != "name")
    return {name: Input("claimed" if name in claims else "assumed") for name in names}
