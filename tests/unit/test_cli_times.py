"""Days of the command line are the office's, as the months of its pages are."""

from datetime import datetime

import pytest

from cli.times import beginning, end
from web.figures_asked import Wanted
from workflow.staff import Reach


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026-06-01", "2026-05-31T22:00Z", "2026-06-01T22:00Z"),
        ("2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # an hour shorter
        ("2026-12-01T00:30", "2026-11-30T23:30Z", "2026-11-30T23:30Z"),
        ("2026-12-01T00:30Z", "2026-12-01T00:30Z", "2026-12-01T00:30Z"),
    ],
)
def test_days_begin_at_the_office_s_midnight(text: str, first: str, after: str) -> None:
    assert (beginning(text), end(text)) == (datetime.fromisoformat(first), datetime.fromisoformat(after))


def test_a_month_of_the_page_begins_as_its_first_day_does_on_the_command_line() -> None:
    scope = Wanted(first="2026-06", last="2026-10").scope(Reach(True, frozenset()))
    assert (scope.since, scope.before) == (beginning("2026-06-01"), end("2026-10-31"))
