"""Pages and reports call a step of the machine what it is."""

from throughput.measures import SYSTEM_STEPS
from throughput.reporting.comparison_tables import _STEPS as REPORTED
from web.figures_steady import _STEPS as SHOWN


def test_every_step_has_words_and_a_scan_is_one_of_paper() -> None:
    assert set(SYSTEM_STEPS) <= set(SHOWN) & set(REPORTED)
    assert (SHOWN["scan"], REPORTED["scan"]) == ("Reading the scan", "read scan")  # and not for viruses
