"""What goes out for process mining: others read it, its times are ours, and it names nobody."""

import csv
import io
import json
import re
import subprocess
import sys
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from cli.main import main
from tests.command_line import Terminal
from tests.integration.engine_office import PEOPLE, Office
from tests.integration.test_throughput_kept import work
from tests.simulated_log import write_log
from throughput.events import records_since
from throughput.mined import FORMS, pieces
from throughput.mining import Pseudonyms, traces
from throughput.scenario import Scenario
from throughput.slices import slices
from throughput.spans import Wait, cases_of
from throughput.xes import xes
from workflow.conformance_report import Asked, of_office
from workflow.definition import load_folder
from workflow.definition_bpmn import bpmn
from workflow.names import known_names
from workflow.store import Store

# Which change of an activity may follow which, by the standard lifecycle; what nobody was assigned may start.
FOLLOWS = {
    None: {"schedule", "start", "complete"},
    "schedule": {"assign", "start", "suspend", "complete", "withdraw"},
    "assign": {"start", "reassign", "suspend", "complete", "withdraw"},
    "reassign": {"assign", "start", "suspend", "complete", "withdraw"},
    "start": {"suspend", "reassign", "complete", "withdraw"},
    "suspend": {"resume", "withdraw"},
    "resume": {"assign", "reassign", "start", "suspend", "complete", "withdraw"},
}
HEAD = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pm4py
"""
OCEL = """
from pm4py.objects.ocel.validation import ocel20_rel_validation
satisfied, violations = ocel20_rel_validation.apply(sys.argv[1])
sizes = {}
for form, read in zip(("sqlite", "json"), (pm4py.read_ocel2_sqlite, pm4py.read_ocel2_json)):
    for file in (one for one in sys.argv[1:] if one.endswith(form)):
        log = read(file)
        sizes[form] = [len(log.events), len(log.objects), len(log.relations)]
print("ANSWER" + json.dumps({"satisfied": len(satisfied), "violations": list(violations), **sizes}))
"""
XES = """
log = pm4py.read_xes(sys.argv[1])
done = log[log["lifecycle:transition"] == "complete"]
times = log.groupby("case:concept:name")["time:timestamp"]
lead = {name: found.max().timestamp() - found.min().timestamp() for name, found in times}
rework = pm4py.get_rework_cases_per_activity(done)
variants = {name: list(found["concept:name"]) for name, found in done.groupby("case:concept:name")}
print("ANSWER" + json.dumps({"lead": lead, "rework": rework, "variants": variants}))
"""
SOME = """
import pandas
from pm4py.objects.ocel.validation import ocel20_rel_validation
log = pm4py.read_xes(sys.argv[1])
cases = [sorted(log["case:concept:name"].unique())]
for read, file in zip((pm4py.read_ocel2_json, pm4py.read_ocel2_sqlite), sys.argv[2:4]):
    objects = read(file).objects
    cases.append(sorted(objects[objects["ocel:type"] == "request"]["ocel:oid"]))
lines = pandas.read_csv(sys.argv[4], dtype={"case_id": str})
work = pm4py.format_dataframe(lines, case_id="case_id", activity_key="activity", timestamp_key="end")
cases.append(sorted(work["case:concept:name"].unique()))
violations = list(ocel20_rel_validation.apply(sys.argv[3])[1])
ends = log[log["lifecycle:transition"] == "complete"]["concept:name"].iloc[-1]
print("ANSWER" + json.dumps({"cases": cases, "violations": violations, "ends": ends}))
"""
WHOLE = """
from pm4py.objects.log.util.interval_lifecycle import to_interval
def spent(log, begin, end):
    own = log[(log["paraaf:channel"] == "person") & log["lifecycle:transition"].isin([begin, end])].copy()
    own["lifecycle:transition"] = own["lifecycle:transition"].map({begin: "start", end: "complete"})
    found = {}
    for trace in to_interval(pm4py.convert_to_event_log(own)):
        for event in trace:
            length = (event["time:timestamp"] - event["start_timestamp"]).total_seconds()
            found[event["concept:name"]] = found.get(event["concept:name"], 0) + length
    return found
log = pm4py.read_xes(sys.argv[1])
done = log[log["lifecycle:transition"] == "complete"]
work, away = spent(log, "start", "complete"), spent(log, "suspend", "resume")
found = {
    "touch": {name: work[name] - away.get(name, 0) for name in work},
    "lead": sorted(pm4py.get_all_case_durations(log)),
    "variants": sorted([list(way), n] for way, n in pm4py.get_variants(done).items()),
    "rework": pm4py.get_rework_cases_per_activity(done),
    "fitness": pm4py.fitness_token_based_replay(
        done, *pm4py.convert_to_petri_net(pm4py.read_bpmn(sys.argv[2])))["log_fitness"],
}
print("ANSWER" + json.dumps(found))
"""


def by_pm4py(script: str, *files: Path) -> Any:
    """What pm4py says of files, in a process of its own."""
    call = [sys.executable, "-c", HEAD + script, *map(str, files)]
    ran = subprocess.run(call, capture_output=True, text=True, check=True, cwd=files[0].parent)
    return json.loads(ran.stdout.rpartition("ANSWER")[2])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office.open(tmp_path)
    for _ in work(made):
        pass
    yield made
    made.store.close()


def exported(office: Office, form: str) -> bytes:
    with office.store.read() as session:
        found = traces(session, Pseudonyms(b"k" * 32))
        return b"".join(xes(found) if form == "xes" else slices(found))


def test_each_activity_goes_through_its_life_in_order(office: Office) -> None:
    log = etree.fromstring(exported(office, "xes"))
    ns = "{http://www.xes-standard.org/}"
    assert len(log.findall(f"{ns}trace")) == 2
    for trace in log.findall(f"{ns}trace"):
        last: dict[str, str | None] = defaultdict(lambda: None)
        times = []
        for event in trace.findall(f"{ns}event"):
            told = {one.get("key"): one.get("value") for one in event}
            instance = f"{told['concept:instance']}/{told['concept:name']}"
            assert told["lifecycle:transition"] in FOLLOWS[last[instance]], (instance, told)
            last[instance] = told["lifecycle:transition"]
            times.append(datetime.fromisoformat(told["time:timestamp"]))
        assert times == sorted(times)


def test_the_slices_add_up_to_what_the_report_says(office: Office) -> None:
    lines = list(csv.DictReader(io.StringIO(exported(office, "slices").decode())))
    found: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        found[line["case_id"], line["activity"], line["kind"]] += round(float(line["seconds"]) * 1e6)
    with office.store.read() as session:
        cases = cases_of(records_since(session))
    said: Counter[tuple[str, str, str]] = Counter()
    for case in cases:
        for task in case.tasks:
            for kind, spent in task.spent_us.items():
                said[str(case.request), task.state, kind.value] += spent
    assert {place: spent for place, spent in found.items() if place[2] in set(Wait) and spent} == {
        place: spent for place, spent in said.items() if spent
    }
    suspended = next(line for line in lines if line["kind"] == "suspended")
    assert (float(suspended["seconds"]), suspended["activity"]) == (3 * 86_400, "manager")
    assert suspended["resource"].startswith("P-")


def resources(log: bytes) -> set[str]:
    found = etree.fromstring(log).iterfind(".//{*}string[@key='org:resource']")
    return {one.get("value", "") for one in found}


def test_it_names_nobody_and_tells_nothing_of_what_was_asked(office: Office) -> None:
    log = exported(office, "xes")
    assert all(re.fullmatch("P-[0-9a-f]{12}", one) for one in resources(log))
    assert len(resources(log)) == 3  # who asked, their manager and a clerk
    for text in (log.decode(), exported(office, "slices").decode()):
        for word in ("salary is missing", "Waits for the employee", "gross", *(set(PEOPLE) - {"manager"})):
            assert word not in text


def test_pseudonyms_are_other_ones_in_each_export(office: Office, tmp_path: Path) -> None:
    files = [tmp_path / "one.xes", tmp_path / "two.xes"]
    for file in files:
        assert main(["export", "xes", "-o", str(file), "--data", str(office.store.file.parent)]) == 0
    assert resources(files[0].read_bytes()).isdisjoint(resources(files[1].read_bytes()))


def test_bodies_are_never_in_it(tmp_path: Path, office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "xes", "--with-bodies", "-o", str(tmp_path / "x"), "--data", str(tmp_path)]) != 0
    assert "--with-bodies" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_some_requests_alone_are_exported_whole(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By when they began: the first went on for days after the period; the second began then."""
    typed, file = Terminal(office.store.file.parent, capsys), tmp_path / "some.csv"
    with office.store.read() as session:
        first, second = (case.opened_at for case in cases_of(records_since(session)))
    whole = list(csv.DictReader(io.StringIO(exported(office, "slices").decode())))
    day = f"{first:%Y-%m-%d}"
    assert rows_of(typed, file, "--key", "employer-declaration", "--to", day) == 1
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode())))
    assert {row["case_id"] for row in rows} == {"1"}
    assert max(row["end"] for row in rows) > second.isoformat()
    assert [{**row, "resource": ""} for row in rows] == [
        {**row, "resource": ""} for row in whole if row["case_id"] == "1"
    ]
    assert rows_of(typed, file, "--from", second.isoformat()) == 1
    log = tmp_path / "some.xes"
    assert typed.office("export", "xes", "-o", log, "--from", second.isoformat()).status == 0
    [trace] = etree.fromstring(log.read_bytes()).iterfind(".//{*}trace")
    assert trace[0].get("value") == "2"
    assert rows_of(typed, file, "--from", day, "--to", day) == 1
    assert rows_of(typed, file, "--to", second.isoformat()) == 1  # before that moment
    assert rows_of(typed, file, "--key", "team-action-plan") == 0
    for backwards in (["export", "xes", "-o", tmp_path / "x"], ["throughput"]):
        said = typed.office(*backwards, "--from", "2026-10-01", "--to", "2026-09-30")
        assert (said.status, "--to is before --from" in said.err) == (1, True)
    said = typed.office("export", "xes", "-o", tmp_path / "x", "--key", "nothing")
    assert said.status == 1
    assert "There is no process 'nothing'" in said.err
    said = typed.office("export", "events", "-o", tmp_path / "x", "--from", day)
    assert said.status == 1
    assert "An export of events is whole" in said.err
    assert not (tmp_path / "x").exists()


def rows_of(typed: Terminal, file: Path, *narrowed: str) -> int:
    said = typed.json("export", "slices", "-o", file, "--force", *narrowed)
    return int(said["requests"])


def test_an_ocel_names_the_objects_that_had_a_part_in_an_event(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    assert main(["export", "ocel", "-o", str(file), "--data", str(tmp_path)]) == 0
    log = json.loads(file.read_bytes())
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert {one["type"] for one in log["events"]} == {one["name"] for one in log["eventTypes"]}
    for event in log["events"]:
        parts = [objects[one["objectId"]]["type"] for one in event["relationships"]]
        assert parts[:2] == ["request", "task"]
    back = next(one for one in log["events"] if {"name": "trigger", "value": "return"} in one["attributes"])
    assert back["type"] == "manager complete"
    assert [objects[one["objectId"]]["type"] for one in back["relationships"]] == [
        "request",
        "task",
        "person",
    ]


@pytest.mark.slow
@pytest.mark.witness
def test_pm4pys_constraints_of_ocel_hold(office: Office, tmp_path: Path) -> None:
    files = [tmp_path / "log.sqlite", tmp_path / "log.json"]
    for file in files:
        assert main(["export", "ocel", "-o", str(file), "--data", str(tmp_path)]) == 0
    theirs = by_pm4py(OCEL, *files)
    assert theirs["violations"] == []
    assert theirs["satisfied"] > 0
    assert theirs["sqlite"] == theirs["json"]
    assert theirs["json"][0] > 0


@pytest.mark.slow
@pytest.mark.witness
def test_pm4py_reads_the_same_lead_times_rework_and_variants(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "log.xes"
    assert main(["export", "xes", "-o", str(file), "--data", str(tmp_path)]) == 0
    theirs = by_pm4py(XES, file)
    with office.store.read() as session:
        ours = {str(trace.case.request): trace for trace in traces(session, Pseudonyms(b"k" * 32))}
    assert theirs["lead"].keys() == ours.keys()
    for name, trace in ours.items():
        times = [moment.at for moment in trace.moments]
        assert theirs["lead"][name] == pytest.approx((max(times) - min(times)).total_seconds(), abs=1e-3)
        done = [one for one in trace.moments if one.transition == "complete"]
        assert theirs["variants"][name] == [one.activity for one in sorted(done, key=lambda one: one.at)]
    assert theirs["rework"]["manager"] == 1  # of the one that went back


@pytest.mark.slow
@pytest.mark.witness
def test_pm4py_loads_some_requests_alone(office: Office, tmp_path: Path) -> None:
    with office.store.read() as session:
        first, second = cases_of(records_since(session))
    for name, form in (("a.xes", "xes"), ("a.json", "ocel"), ("a.sqlite", "ocel"), ("a.csv", "slices")):
        call = ["export", form, "-o", str(tmp_path / name), "--to", f"{first.opened_at:%Y-%m-%d}"]
        assert main([*call, "--data", str(tmp_path)]) == 0
    with office.store.read() as session:
        whole = next(traces(session, Pseudonyms(b"k" * 32)))
    *_, last = sorted((one for one in whole.moments if one.transition == "complete"), key=lambda one: one.at)
    assert last.at > second.opened_at  # long after the day that was asked for
    found = by_pm4py(SOME, *(tmp_path / name for name in ("a.xes", "a.json", "a.sqlite", "a.csv")))
    assert found["cases"] == [["1"], ["request 1"], ["request 1"], ["1"]]
    assert found["violations"] == []
    assert found["ends"] == last.activity


@pytest.fixture(scope="module")
def ten_thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office with 10,000 requests that were worked on, returned and suspended."""
    folder = tmp_path_factory.mktemp("many")
    scenario = Scenario("A1", return_rate=0.15, suspended_share=0.1, suspended_days=2, signer_wait_min=200)
    write_log(Store.open(folder, {}), scenario, 10_000)
    return folder


@pytest.mark.slow
@pytest.mark.witness
def test_of_ten_thousand_requests_pm4py_tells_what_we_tell(ten_thousand: Path, tmp_path: Path) -> None:
    file, drawn = tmp_path / "log.xes", tmp_path / "A1.bpmn"
    drawn.write_text(bpmn(load_folder(known_names()).get("employer-declaration", "A1")))
    assert main(["export", "xes", "-o", str(file), "--data", str(ten_thousand)]) == 0
    theirs = by_pm4py(WHOLE, file, drawn)
    assert theirs["fitness"] == 1.0
    ways, again, touch = Counter[tuple[str, ...]](), Counter[str](), Counter[str]()
    with closing(Store.open(ten_thousand, {})) as store, store.read() as session:
        for trace in traces(session, Pseudonyms(b"k" * 32)):
            done = sorted(
                (one for one in trace.moments if one.transition == "complete"), key=lambda one: one.at
            )
            ways[tuple(one.activity for one in done)] += 1
            often = Counter(one.activity for one in done)
            again.update(name for name, times in often.items() if times > 1)
        cases = cases_of(records_since(session))
    for span in (span for case in cases for span in case.spans if span.kind is Wait.TOUCH):
        touch[span.state] += span.seconds
    assert len(cases) == 10_000
    assert theirs["variants"] == sorted([list(way), n] for way, n in ways.items())
    assert {name: n for name, n in theirs["rework"].items() if n} == dict(again)
    lead = sorted((case.ended_at - case.opened_at).total_seconds() for case in cases if case.ended_at)
    assert theirs["lead"] == pytest.approx(lead, abs=1e-3)
    for name in ("review", "sign"):
        assert theirs["touch"][name] == pytest.approx(touch[name], rel=1e-6)
    assert sum(touch.values()) > 10_000 * 60


@pytest.mark.slow
@pytest.mark.witness
def test_of_ten_thousand_requests_pm4pys_constraints_of_ocel_hold(ten_thousand: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.sqlite"
    assert main(["export", "ocel", "-o", str(file), "--data", str(ten_thousand)]) == 0
    theirs = by_pm4py(OCEL, file)
    assert theirs["violations"] == []
    assert theirs["sqlite"][0] > 100_000


@pytest.mark.slow
def test_of_ten_thousand_requests_none_deviates_and_few_are_in_memory(ten_thousand: Path) -> None:
    with closing(Store.open(ten_thousand, {})) as store, store.read() as session:
        told = of_office(session, Asked())
        assert (told.requests, told.deviations) == (10_000, [])
        names = Pseudonyms(b"k" * 32)
        for form in FORMS:
            peaks = []
            for count in (100, 600):
                tracemalloc.start()
                for _ in pieces(form, lambda: islice(traces(session, names), count)):  # noqa: B023
                    pass
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
            assert peaks[1] < peaks[0] + 2**20, form
