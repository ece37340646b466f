"""`paraaf monitor` counts what the log says, and keeps small counts to itself."""

import json
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from certs.authority import DevelopmentAuthority
from cli.main import main
from tests.integration.engine_office import UNIT, Office
from tests.steps_office import Sample
from tests.timed_office import Past
from throughput.monitor import Monitor, Month, months
from throughput.monitor_kept import keep_months, months_kept
from throughput.monitor_rows import document
from throughput.monitor_settings import monitor_settings
from workflow.calendar import ZONE
from workflow.store import Store

NOVEMBER = ("--from", "2026-11", "--to", "2026-11")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Five requests of November: three wait, two were withdrawn within the hour."""
    office = Office.open(tmp_path)
    numbers = [office.submit() for _ in range(5)]
    office.later(minutes=30)
    for number in numbers[:2]:
        office.do("withdraw", "employee", number, remark="No longer needed.")
    office.store.close()
    return tmp_path


def told(data: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    assert main(["monitor", *NOVEMBER, "--data", str(data), *more]) == 0
    return capsys.readouterr().out


def test_small_counts_are_stars_for_people_and_null_for_programs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(told(data, capsys, "--json", "--unit", UNIT))
    assert (document["months"][0]["in_hand"], document["period"]["started"]) == (3, None)
    assert document["period"]["ended"] == {"done": None, "withdrawn": None}
    assert (document["origin"], document["invented_until"]) == ("measured", None)
    heads, november = (line.split() for line in told(data, capsys).splitlines()[2:4])
    assert heads[:2] == ["month", "started"]
    assert november[:6] == ["2026-11", "*", "*", "*", "*", "3"]


def test_norm_and_goal_are_those_of_the_office(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the call says nothing else."""
    (data / "monitoring.toml").write_text(
        'norms = ["P3D", "P10D"]\nuntil = "approved"\ngoal = 70\n', encoding="utf-8"
    )
    assert "within P3D of working time until approved; goal: 70%" in told(data, capsys)
    found = json.loads(told(data, capsys, "--json"))
    assert (found["norm"], found["until"], found["goal"]) == ("P3D", "approved", 0.7)
    other = told(data, capsys, "--norm", "P4D", "--until", "signed", "--goal", "90")
    assert "within P4D of working time until signed; goal: 90%" in other
    # as exact as a share is: 487 of 500 meet it
    assert json.loads(told(data, capsys, "--json", "--goal", "97.4"))["goal"] == 487 / 500


def test_by_a_norm_of_the_office_it_hides_what_the_pages_hide(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a count that is hidden in one could be read in the other. What is kept is not counted again."""
    (tmp_path / "monitoring.toml").write_text('norms = ["P5D", "P10D"]\n', encoding="utf-8")
    sample = Sample.open(tmp_path, {})
    past = Past(sample.office, "P022")
    past.happen(300, days=100)
    past.write()
    settings = monitor_settings(tmp_path)
    over = Month.of(sample.office.clock().astimezone(ZONE).date()).before
    period = ["--from", str(over.before.before), "--to", str(over)]

    def told() -> list[str]:
        found = []
        for norm in settings.norms:
            asked = ["--norm", str(norm.within), "--data", str(tmp_path), "--json"]
            assert main(["monitor", *period, *asked]) == 0
            found.append(capsys.readouterr().out)
        return found

    counted = told()
    keep_months(sample.office.store, settings, sample.office.clock())
    with sample.office.store.read() as session:
        kept = months_kept(session, settings)
    more = Past(sample.office, "P022", seed=8)
    more.happen(200, days=100)  # as if they had been there: what is kept stays
    more.write()
    sample.office.close()
    pages = Monitor({month: kept[month] for month in months(over.before.before, over)})
    for place, (before, after) in enumerate(zip(counted, told(), strict=True)):
        of_pages = document(pages.report(norm=place), settings.target(place, settings.goal))
        shown = json.loads(json.dumps({**of_pages, "invented_until": None}))
        assert json.loads(before) == json.loads(after) == shown


def test_what_came_since_is_counted_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(data, capsys)
    office = Office(Store.open(data, {}), keys=count(100))
    office.submit()
    office.store.close()
    assert json.loads(told(data, capsys, "--json"))["months"][0]["in_hand"] == 4


def test_months_before_the_first_request_are_not_told_and_count_into_no_mean(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would be a month of which any share may be true."""
    november = json.loads(told(data, capsys, "--json"))
    assert main(["monitor", "--from", "2026-08", "--to", "2026-11", "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == november


def test_from_a_month_on_it_tells_up_to_the_last_that_is_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Office.open(tmp_path).store.close()
    over = Month.of(datetime.now(ZONE).date()).before
    first = over.before.before
    for options, period in (
        (["--from", str(first)], [first, over.before, over]),
        (["--to", str(first)], [first]),
        (["--from", str(over.next)], [over.next]),
        ([], [over]),
    ):
        assert main(["monitor", *options, "--data", str(tmp_path), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert [one["month"] for one in document["months"]] == list(map(str, period)), options


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--from", "November"], "no month such as"),
        (["--norm", "P3M"], "working"),
        (["--goal", "850"], "percentage"),
    ],
)
def test_what_is_typed_wrongly_is_named(
    data: Path, wrong: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["monitor", "--data", str(data), *wrong])
    assert says in capsys.readouterr().err


def test_a_month_that_has_not_begun_and_a_process_that_there_is_not_have_no_report(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stars, and what is in hand today, would stand there as if they told of something."""
    coming = Month.of(datetime.now(ZONE).date()).next.next
    for wrong, said in (
        (["--from", str(coming)], f"{coming} has not begun"),
        (["--key", "no"], "process 'no'"),
    ):
        assert main(["monitor", "--data", str(data), *wrong]) == 1
        told_of = capsys.readouterr()
        assert told_of.out == ""
        assert said in told_of.err


@pytest.mark.parametrize("wrong", [["--from", "2026-12", "--to", "2026-01"], ["--unit", "nobody's"]])
def test_what_can_not_be_counted_is_refused(
    data: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", *NOVEMBER, "--data", str(data), *wrong]) != 0
    said = capsys.readouterr().err
    assert "Choose from" in said or "first month" in said


def test_the_report_is_sealed_at_the_profiles_level_and_hides_what_the_screen_hides(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.pdf"
    document = json.loads(
        told(
            data,
            capsys,
            *("--json", "--report", str(file), "--profile", "organisation-seal", "--language", "nb"),
        )
    )
    root = data / "root.pem"
    root.write_bytes(DevelopmentAuthority.open(data / "authority").root_pem)
    assert main(["verify", str(file), "--trust", str(root), "--no-register", "--json"]) == 0
    [judged] = json.loads(capsys.readouterr().out)["files"]
    assert judged["indication"] == "TOTAL-PASSED"
    [seal] = [one for one in judged["signatures"] if one["role"] == "seal"]
    assert (seal["level"], seal["field"]) == ("B-LTA", "seal")
    with PdfDocument(file) as pdf:
        printed = " ".join(pdf[0].get_textpage().get_text_range().split())
        assert json.loads(bytes(pdf.get_attachment(0).get_data())) == document
        pdf.init_forms()
        pdf[len(pdf) - 1].flatten()  # what stands in fields is text of the page then
        sealed = pdf[len(pdf) - 1].get_textpage().get_text_range()
    assert "Forseglet med en utviklingsnøkkel: bare til utprøving" in printed
    assert "under profilen organisation-seal, nivå B-LTA" in printed
    assert "november 2026 * * 3 * * * *" in printed
    assert "\r\nNivå: PAdES B-LTA\r\nUtviklingssertifikat: kun til forsøk" in sealed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--profile", "organisation-seal"), "--profile seals a report"),
        (("--report", "report.pdf", "--profile", "organisation-seel"), "There is no profile"),
        (("--report", "report.pdf", "--profile", "approver"), "a person signs"),
    ],
)
def test_a_report_that_can_not_be_sealed_is_not_there(
    data: Path,
    words: tuple[str, ...],
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(data)
    assert main(["monitor", *NOVEMBER, "--data", str(data), *words]) != 0
    assert says in capsys.readouterr().err
    assert not (data / "report.pdf").exists()
