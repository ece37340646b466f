"""What `paraaf simulate` prints: also of what grows without end, and of what does not come out."""

import io
import json
import sys
from argparse import Namespace
from dataclasses import asdict, replace
from math import inf

import pytest

from cli import pace
from cli.main import main
from cli.pace import Pace
from cli.simulation import finite, told
from tests.unit.test_reports import MADE, pages_of
from throughput.estimates import Figure
from throughput.replications import Estimate
from throughput.reporting.simulation import Simulated, simulation_pdf
from throughput.reporting.words import report_words
from throughput.reproduced import Check, Reproduced
from throughput.scenario import SOURCE, Input
from throughput.simulate import compare


def test_it_says_what_is_without_end_and_first_what_is_not_to_be_relied_on() -> None:
    first, second = compare(list(SOURCE[:2]), weeks=4, warm_up_weeks=1, replications=2)
    most = replace(first, lead_median_days=Estimate(inf, 12.3, inf), in_progress=Estimate(inf, inf, inf))
    some = replace(second, lead_median_days=Estimate(4.5, 3.2, inf), overloaded=1, replications=40)
    missed = Check("lead_p90_days", Figure(90, 9.0, 8.0), Estimate(2.0, 1.0, 3.0))
    held = Reproduced("A1", (missed, Check("in_progress", Figure(5, None), Estimate(2, 1, 3))))
    found = Simulated([most, some], [None, 2], 0.95, 4, 40, 1, measured=True, reproduced=[held])
    lines = list(told(found, Namespace(measured=True, within=5, share=95)))
    text = "\n".join(lines)
    doubt = "A1: what the office's requests show does not come out (lead p90): don't rely on"
    assert text.index(doubt) < text.index("lead median  ")
    assert "median lead without end (from 12.3) to 4.5 (3.2–open) office days, open without end to " in text
    assert "in 1 of 40 replications the clerks have more work than time" in text
    [p90] = (line for line in lines if line.startswith("A1  lead p90"))
    told_of = [one.strip() for one in p90.split("  ") if one.strip()]
    assert told_of[2:] == ["9.0 (8.0–open)", "2.0 (1.0–3.0)", "does not fit"]
    [in_hand] = (line for line in lines if line.startswith("A1  open"))
    assert in_hand.endswith("can't be told")
    document = json.loads(json.dumps(finite(asdict(most)), allow_nan=False, default=dict))
    assert document["lead_median_days"] == {"value": None, "low": 12.3, "high": None}


def test_it_says_of_which_scenario_nothing_was_measured_where_others_were() -> None:
    """How many come is measured for all alike: that makes no scenario a measured one."""
    week = Input("measured", 235)
    inputs = {
        "A0": {"per_week": week, "handling_min": Input("claimed")},
        "A1": {"per_week": week, "handling_min": Input("measured", 43)},
    }
    outcomes = compare(list(SOURCE[:2]), weeks=4, warm_up_weeks=1, replications=2, inputs=inputs)
    said = "A0: too little was measured of it, so it is simulated from what the source claims and what was"
    for both, first in ((outcomes, True), (outcomes[:1], False), (outcomes[1:], False)):
        found = Simulated(both, [None] * len(both), 0.95, 4, 2, 1, measured=True)
        text = "\n".join(told(found, Namespace(measured=True, within=5, share=95)))
        assert (said in text) is first
        assert not first or text.index(said) < text.index("lead median")
        page = pages_of(simulation_pdf(found, {}, made_at=MADE, words=report_words("nl")))[0]
        assert ("A0 (op papier): hiervan is te weinig gemeten" in page) is first
        assert ("From A0 (claimed) to A1 (measured): median lead" in text) is first
        assert ("Van A0 (op papier) [volgens de bron] naar A1" in page) is first


@pytest.mark.parametrize("share", ["101", "nan", "-1"])
def test_no_share_beyond_all_of_them_is_simulated(capsys: pytest.CaptureFixture[str], share: str) -> None:
    assert main(["simulate", "--weeks", "1", "--replications", "2", "--share", share]) == 1
    assert f"--share can't be {float(share)}" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_how_far_it_is_stands_on_a_terminal_alone_and_goes_away(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(pace, "_PATIENCE_S", 0)
    monkeypatch.setattr(pace, "_EVERY_S", 0)
    with Pace() as shown:
        shown.tell("A1, clerks 1: 39 of 40")
        shown.tell("A1")
    lines = [line.rstrip() for line in out.getvalue().split("\r")]
    assert lines == (["", "paraaf: A1, clerks 1: 39 of 40", "paraaf: A1", "", ""] if terminal else [""])


def test_handling_is_said_to_be_that_of_clerks_alone() -> None:
    """A comparison of the same requests tells twice as much, with what managers and signers do."""
    outcomes = compare(list(SOURCE[:2]), weeks=4, warm_up_weeks=1, replications=2)
    found = Simulated(outcomes, [None, None], 0.95, 4, 2, 1, measured=False, reproduced=[])
    text = "\n".join(told(found, Namespace(measured=False, within=5, share=95)))
    assert "clerks' handling FTE" in text
    assert "Clerks' handling: what managers,\nsigners and those who ask do comes on top" in text
    assert ", clerks' handling 0." in text
    said = " ".join(pages_of(simulation_pdf(found, {}, made_at=MADE, words=report_words("en"))))
    assert "handling by clerks from 0." in said
    assert "Handling by clerks, FTE" in said
    assert "what managers, signers and those who ask do comes on top" in said
