"""What the source study claims, and whether it can be so.

Claimed figures stand in a table of their own: they are never mixed with measured ones.
"""

from dataclasses import dataclass

REQUESTS_PER_WEEK = 100
HOURS_PER_FTE_WEEK = 36.0  # Dutch central government's full-time week
PRODUCTIVE_HOURS_PER_YEAR = 1363.0  # government tariff guide 2023
CLAIMED_FTE_SAVED = 2.0


@dataclass(frozen=True)
class Claim:
    """A variant's handling time as the study's respondents estimated it, in minutes."""

    variant: str
    handling_min: float | None
    verdict: str


CLAIMS = (
    Claim("A0", 10.0, "paper, as it was"),
    Claim("A1", 6.75, "good; legally medium"),
    Claim("A2", None, "dropped: too many manual steps"),
    Claim("A3", 6.1, "best on most criteria"),
    Claim("A4", None, "not studied; named as further research"),
)


@dataclass(frozen=True)
class Plausibility:
    """The arithmetic behind a claimed saving; hours per week, full-time equivalents by two divisors."""

    requests_per_week: int
    saved_h_per_week: float
    saved_fte_by_week: float
    saved_fte_by_year: float
    all_handling_h_per_week: float
    all_handling_fte_by_week: float
    all_handling_fte_by_year: float
    claimed_fte: float

    @property
    def possible(self) -> bool:
        """Whether handling time could yield the claim even if all of it vanished."""
        return self.claimed_fte <= max(self.all_handling_fte_by_week, self.all_handling_fte_by_year)


def plausibility(
    *,
    before_min: float = 10.0,
    after_min: float = 6.1,
    requests_per_week: int = REQUESTS_PER_WEEK,
    hours_per_fte_week: float = HOURS_PER_FTE_WEEK,
    productive_hours_per_year: float = PRODUCTIVE_HOURS_PER_YEAR,
    claimed_fte: float = CLAIMED_FTE_SAVED,
) -> Plausibility:
    """Hours and FTE that a drop in handling time frees, beside all handling there is."""
    saved_h = (before_min - after_min) * requests_per_week / 60
    all_h = before_min * requests_per_week / 60
    per_year_week = productive_hours_per_year / 52
    return Plausibility(
        requests_per_week=requests_per_week,
        saved_h_per_week=saved_h,
        saved_fte_by_week=saved_h / hours_per_fte_week,
        saved_fte_by_year=saved_h / per_year_week,
        all_handling_h_per_week=all_h,
        all_handling_fte_by_week=all_h / hours_per_fte_week,
        all_handling_fte_by_year=all_h / per_year_week,
        claimed_fte=claimed_fte,
    )


def open_requests(*, per_week: float, lead_weeks: float) -> float:
    """Requests open at any moment: rate × lead time (Little's law)."""
    return per_week * lead_weeks
