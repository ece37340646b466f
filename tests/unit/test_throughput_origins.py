"""What is measured, and what a past that was invented makes of it."""

from datetime import UTC, datetime, timedelta

from throughput.capacity import Capacity
from throughput.estimates import Figure
from throughput.origins import document, happened, labelled, with_column
from throughput.panels import Counts
from workflow.invented import Invented

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAST = Invented(UNTIL)


def test_what_people_do_after_an_invented_past_is_measured() -> None:
    assert happened(UNTIL - timedelta(seconds=1), PAST) == "simulated"
    assert happened(UNTIL, PAST) == happened(UNTIL, None) == "measured"


def test_a_document_says_it_of_each_figure_and_claims_stay_claims() -> None:
    told = {"measured": [{"n": 3, "origin": "measured"}], "cells": [{"said": {"source": "claimed"}}]}
    assert document(told, PAST) == {
        "measured": [{"n": 3, "origin": "simulated"}],
        "cells": [{"said": {"source": "claimed"}}],
        "invented_until": PAST.told,
    }
    assert document(told, None) == {**told, "invented_until": None}


def test_figures_say_it_before_they_are_told() -> None:
    """So that no sentence calls them measured; what was claimed or given stays so."""
    minutes, given = Figure(9, 4.5), Figure(9, 1.0, origin="given")
    room = Capacity("k", "A3", Counts(9, 9, 0, 0), 100, "measured", minutes, given, given, given)
    [[found]] = labelled([[room]], PAST)
    assert (found.per_week_origin, found.handling_min.origin) == ("simulated", "simulated")
    assert (found.handling_min.value, found.hours_per_week) == (4.5, given)
    assert labelled(room, None) is room


def test_each_line_of_a_table_says_it() -> None:
    rows = [["month", "started"], ["2026-10", "7"]]
    assert list(with_column(rows, PAST)) == [["month", "started", "origin"], ["2026-10", "7", "simulated"]]
    assert list(with_column(rows, None))[1][-1] == "measured"
