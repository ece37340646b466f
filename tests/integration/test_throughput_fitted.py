"""A simulation fitted from a log tells what the log tells; of what too little is known, it says so."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from cli.main import main
from tests.command_line import Terminal
from tests.integration.engine_office import Office
from tests.kept_log import kept_of
from tests.simulated_log import BEGINS, PROVIDER_S, write_log
from tests.unit.test_throughput_spans import Log, move
from throughput.fitted import beside, fitted
from throughput.kept import Keeper
from throughput.measured import LEAST, Measured, measure
from throughput.ongoing import Lengths
from throughput.reproduced import reproduced
from throughput.scenario import DAY_MIN, SOURCE, Input, Scenario
from throughput.scope import Scope
from throughput.simulate import compare
from workflow.store import Store
from workflow.tables import DefinitionSource, TimingCase

TRUTH = Scenario(
    "A1",
    per_week=60,
    handling_min=9,
    manager_median_min=100,
    return_rate=0.15,
    clerk_share=0.32,
    suspended_share=0.1,
    suspended_days=2,
    signer_wait_min=60,
    signer_min=0.5,
    provider_s=PROVIDER_S,
)
COUNT = 1500
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def log_of(folder: Path, seed: int) -> tuple[Measured, np.ndarray]:
    """What is measured of a simulated log, and how long its requests took."""
    store = Store.open(folder, {})
    lead_days = write_log(store, TRUTH, COUNT, seed=seed).lead_days
    store = Store.open(folder, {})
    Keeper(store, at_once=50_000).catch_up()
    with store.read() as session:
        [found] = measure(session, Scope(key="employer-declaration"), now=NOW)
    store.close()
    return found, lead_days


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_simulated_from_what_was_measured_it_takes_as_long_as_it_took(tmp_path: Path, seed: int) -> None:
    measured, lead_days = log_of(tmp_path, seed)
    fit = fitted(measured, replications=39, seed=seed)
    for name in (
        "per_week",
        "handling_min",
        "return_rate",
        "suspended_share",
        "suspended_days",
        "provider_s",
    ):
        assert getattr(fit.scenario, name) == pytest.approx(getattr(TRUTH, name), rel=0.25), name
        assert fit.inputs[name].origin == "measured"
    assert fit.inputs["handling_min"] == Input("measured", len(measured.worked))
    assert {"clerks"} & fit.inputs.keys() == set()  # which no log tells
    [told] = compare(
        [fit.scenario], weeks=25, replications=39, redrawn={"A1": fit.redrawn}, inputs={"A1": fit.inputs}
    )
    assert told.lead_median_days.low <= np.median(lead_days) <= told.lead_median_days.high
    assert told.lead_p90_days.low <= np.quantile(lead_days, 0.9) <= told.lead_p90_days.high
    assert told.lead_median_days.high - told.lead_median_days.low < np.median(lead_days) / 1.5
    assert told.inputs["clerks"].origin == "assumed"
    held = reproduced(measured, told)
    assert [one.fits for one in held.checks] == [True] * 4, held
    lead, _, in_hand, work = (one.measured.value for one in held.checks)
    assert lead == pytest.approx(np.median(lead_days), rel=0.02)
    assert in_hand == pytest.approx(TRUTH.per_week / 5 * lead_days.mean(), rel=0.15)
    assert work == pytest.approx(TRUTH.per_week * 9 / (1 - TRUTH.return_rate) / 60 / 36, rel=0.1)


def test_too_little_is_not_fitted() -> None:
    few = Measured("A3", per_week=500, requests=LEAST - 1, worked=Lengths.of([60.0] * (LEAST - 1)))
    fit = fitted(few, replications=2)
    assert (fit.scenario, fit.inputs) == (SOURCE[2], {})


def test_what_was_not_measured_is_beside_it_with_the_same_requests_and_what_a_file_says_holds() -> None:
    lengths, nothing = Lengths.of([5.0 + n % 5 for n in range(40)]), Lengths.of([0.0] * 40)
    found = Measured("A3", 30, 4000, lengths, lengths, lengths, nothing, nothing)
    [paper, click, remote] = beside(
        [fitted(found, replications=2)], {"A0": {}, "A1": {"clerks": 4}, "A3": {"post_days": 1}}
    )
    assert {one.scenario.per_week for one in (paper, click, remote)} == {30}
    assert (click.scenario.clerks, remote.scenario.post_days) == (4, 1)
    assert {one.post_days for one in remote.redrawn} == {1}
    assert "post_days" not in remote.inputs
    assert remote.scenario.handling_min == pytest.approx(7)
    outcomes = compare([paper.scenario], weeks=4, replications=2, inputs={"A0": paper.inputs})
    assert outcomes[0].inputs["per_week"] == Input("measured", 4000)


def test_what_a_file_leaves_out_of_one_of_the_sources_is_the_sources() -> None:
    """Paper that is asked about with fewer returns is paper still: it waits for rounds, and for post."""
    found = beside([], {"A0": {"return_rate": 0.1}, "A3": {"clerks": 2}, "PAPER": {"return_rate": 0.1}})
    assert [one.scenario for one in found] == [
        replace(SOURCE[0], return_rate=0.1),
        replace(SOURCE[2], clerks=2),
        Scenario("PAPER", return_rate=0.1),
    ]


def test_requests_come_by_the_calendar_that_most_of_them_go_by() -> None:
    """One version without a calendar, of one request, leaves the others' weeks as they are."""
    log = Log().add(0, "request_submitted", 1, definition="a", **move("request", "manager"))
    for number in range(2, 42):  # one an hour: eight on each day of the office
        log.add(60 * number, "request_submitted", number, definition="b", **move("request", "manager"))
    sources = {"a": "[process]", "b": '[process]\ncalendar = "office-nl"'}
    with kept_of(log.records) as session:
        session.add_all(
            DefinitionSource(sha256_hex=name, key="declaration", variant="A3", version=1, source=source)
            for name, source in sources.items()
        )
        [found] = measure(session, Scope(key="declaration"), now=NOW)
    assert found.requests == 41
    assert found.per_week > 40


def test_in_each_replication_as_many_requests_come_to_every_variant() -> None:
    """What differs between variants is not how many came: of all of them together the rate was measured."""
    nothing = Lengths.of([0.0] * 40)
    both = []
    for name, minutes in (("A1", 5.0), ("A3", 7.0)):
        lengths = Lengths.of([minutes + n % 5 for n in range(40 if name == "A1" else 90)])
        both.append(
            fitted(Measured(name, 30, 100, lengths, lengths, lengths, nothing, nothing), replications=5)
        )
    rates = [[one.per_week for one in each.redrawn] for each in both]
    assert rates[0] == rates[1]
    assert len(set(rates[0])) > 1


def test_the_interval_of_the_handling_holds_how_many_come() -> None:
    """Twice as many requests are twice the work, however little else was open."""
    basis = Scenario("A3", per_week=100, return_rate=0, clerks=3)
    drawn = [replace(basis, per_week=rate) for rate in (50, 100, 150, 100) * 10]
    [found] = compare([basis], weeks=10, replications=40, redrawn={"A3": drawn})
    assert found.handling_fte.high - found.handling_fte.low > found.handling_fte.value


def test_the_command_says_of_each_input_where_it_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("--weeks", "2", "--replications", "39")
    assert main(["simulate", *quick]) == 0
    out = capsys.readouterr().out
    assert "10 (claimed)" in out
    assert "0.7 (assumed)" in out
    assert "2 FTE, as the source claims, can't be saved of handling: at 100 a week" in out
    assert "FTE (simulated; minutes of A0: claimed)." in out
    assert "measured, n" not in out
    typed = Terminal(tmp_path, capsys)
    assert typed.office("simulate", "--measured", *quick).status == 1  # there is no office
    Office.open(tmp_path).store.close()
    for wrong, said in (
        (["--key", "no"], "There is no process 'no'"),
        (["--from", "2026-10-01", "--to", "2026-09-30"], "--to is before --from"),
    ):
        refused = typed.office("simulate", "--measured", *quick, *wrong)
        assert (refused.status, refused.out, said in refused.err) == (1, "", True)
    told = typed.json("simulate", "--measured", *quick)
    assert {one["inputs"]["handling_min"]["origin"] for one in told["scenarios"]} == {"claimed"}


def ended(lengths: Lengths) -> np.ndarray:
    return np.asarray(lengths.taken)[np.asarray(lengths.over) == 1]


@pytest.mark.slow
def test_what_goes_on_when_the_log_ends_is_not_left_out(tmp_path: Path) -> None:
    """Of six weeks in which requests wait for weeks, those that ended alone would look twice as quick."""
    slow = replace(
        TRUTH,
        handling_min=4,
        manager_median_min=5 * DAY_MIN,
        suspended_share=0.5,
        suspended_days=10,
        signer_wait_min=5 * DAY_MIN,
    )
    until = BEGINS + timedelta(weeks=6)
    write_log(Store.open(tmp_path, {}), slow, 700, until=until)
    store = Store.open(tmp_path, {})
    Keeper(store).catch_up()
    with store.read() as session:
        [found] = measure(session, Scope(key="employer-declaration"), now=until)
    cases = TimingCase.table()
    with store.write() as session:
        given_up = update(cases).where(cases.c.ended_at.is_(None), cases.c.delivered_at.is_(None))
        session.execute(given_up.values(ended_at=until, outcome="withdrawn"))
    with store.read() as session:
        [without] = measure(session, Scope(key="employer-declaration"), now=until)
    store.close()
    assert len(found.whole.lead) - found.whole.lead.ended > LEAST
    assert len(without.whole.lead) == without.whole.lead.ended == found.whole.lead.ended
    for lengths, minutes in (
        (found.before, slow.manager_median_min),
        (found.signer_wait, slow.signer_wait_min),
    ):
        fit = lengths.lognormal()
        assert fit is not None
        assert np.median(ended(lengths)) < 0.87 * minutes
        assert fit[0] == pytest.approx(minutes, rel=0.15)
    away = found.suspended.more_than(0)
    days = slow.suspended_days * DAY_MIN
    assert ended(away).mean() < 0.6 * days
    assert away.mean_and_deviation()[0] == pytest.approx(days, rel=0.25)
    assert found.worked.mean_and_deviation()[0] == pytest.approx(slow.handling_min, rel=0.1)
    assert len(away) / len(found.suspended) == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
def test_measured_and_not_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(Store.open(tmp_path, {}), replace(TRUTH, per_week=20), 300)
    call = ["simulate", "--measured", "--weeks", "8", "--replications", "39", "--data", str(tmp_path)]
    assert main([*call, "--json"]) == 0
    told = {one["scenario"]["name"]: one for one in json.loads(capsys.readouterr().out)["scenarios"]}
    assert set(told) == {"A0", "A1", "A3"}
    assert told["A1"]["inputs"]["handling_min"]["n"] >= 300
    assert len({one["scenario"]["per_week"] for one in told.values()}) == 1
    assert main(call) == 0
    out = capsys.readouterr().out
    assert "(measured, n = " in out
    assert re.search(r"\nA1  lead median, office days +[0-9.]+ \(.*\) +[0-9.]+ \(.*\) +fits\n", out)
    (change,) = (
        line
        for line in out.splitlines()
        if line.startswith("From A0 (claimed) to A1 (measured): median lead ")
    )
    for name in ("A0", "A1"):  # each with between what it lies: a bare difference would look sure
        lead = told[name]["lead_median_days"]
        value, low, high = (f"{lead[end]:.1f}" for end in ("value", "low", "high"))
        assert (value if low == value == high else f"{value} ({low}–{high})") in change
