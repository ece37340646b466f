"""`paraaf monitor` counts what the log says, and keeps small counts to itself."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.integration.engine_office import UNIT, Office
from workflow.store import Store


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
    assert main(["monitor", "--from", "2026-11", "--data", str(data), *more]) == 0
    return capsys.readouterr().out


def test_small_counts_are_stars_for_people_and_null_for_programs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(told(data, capsys, "--json", "--unit", UNIT))
    assert document["period"]["started"] == 5
    assert document["period"]["ended"] == {"withdrawn": None}
    assert document["origin"] == "measured"
    heads, november = (line.split() for line in told(data, capsys).splitlines()[2:4])
    assert heads[:2] == ["month", "started"]
    assert november[:4] == ["2026-11", "5", "*", "*"]


def test_what_came_since_is_counted_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(data, capsys)
    office = Office(Store.open(data, {}), keys=count(100))
    office.submit()
    office.store.close()
    assert json.loads(told(data, capsys, "--json"))["period"]["started"] == 6


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


@pytest.mark.parametrize("wrong", [["--from", "2026-12", "--to", "2026-01"], ["--unit", "nobody's"]])
def test_what_can_not_be_counted_is_refused(
    data: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", "--from", "2026-11", "--data", str(data), *wrong]) != 0
    said = capsys.readouterr().err
    assert "Choose from" in said or "first month" in said
