"""The program's log: one object a line, fields from a closed list, and no text that may name somebody."""

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from problem import Problem
from tests.called import calls
from watching import logs
from watching.errors import WatchingSetting
from watching.logs import FIELDS, JsonLines, TextLines, note, within

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "watch-an-office.md").read_text(encoding="utf-8")
NAME = "J. Voorbeeld"


class Secretive(Problem):
    """Somebody's certificate has expired."""

    code: ClassVar[str] = "test-secretive"


class Open(Problem):
    """The disk is full."""

    code: ClassVar[str] = "test-open"
    impersonal: ClassVar[bool] = True


class Written:
    """A logger whose lines are kept."""

    def __init__(self, name: str, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        self.log = logging.Logger(name, logging.DEBUG)
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter)
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def ours() -> Written:
    return Written("workflow.test", JsonLines())


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_line_is_one_object_with_time_level_event_and_fields(ours: Written) -> None:
    with within(worker="host:1", job=7):
        note(ours.log, logging.INFO, "step_ended", request=3, outcome="done", duration_ms=12, code=None)
    note(ours.log, logging.WARNING, "step_retried", wait_s=1.5)
    first, second = ours.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("at"))
    assert first == {
        "level": "info",
        "event": "step_ended",
        "logger": "workflow.test",
        "worker": "host:1",
        "job": 7,
        "request": 3,
        "outcome": "done",
        "duration_ms": 12,
    }
    assert "job" not in second, "a field outlived its block"


def test_whatever_is_in_a_field_stays_on_its_line(ours: Written) -> None:
    note(ours.log, logging.INFO, "step_ended", code='a\n{"level": "error"}\x1b[2J', state="x" * 9000)
    (line,) = ours.lines
    assert line["level"] == "info"
    assert len(line["state"]) == logs.LONGEST


def test_a_field_that_is_not_on_the_list_is_left_out_and_told(ours: Written) -> None:
    note(ours.log, logging.INFO, "step_ended", actor=NAME, request=1)
    (line,) = ours.lines
    assert line["left_out"] == ["actor"]
    assert NAME not in ours.text


@pytest.mark.parametrize("error", [ValueError(NAME), Secretive(NAME, hint=NAME), KeyError(NAME)])
def test_the_text_of_an_error_is_not_told(ours: Written, error: Exception) -> None:
    note(ours.log, logging.ERROR, "step_crashed", error=raised(error))
    (line,) = ours.lines
    assert NAME not in ours.text
    assert line["error"] == type(error).__name__
    assert line["trace"][-1].startswith("test_watching_logs.py:")


def test_nor_is_the_text_of_its_cause(ours: Written) -> None:
    def inner() -> None:
        try:
            raise ValueError(NAME)
        except ValueError as cause:
            raise Open("No room.") from cause

    try:
        inner()
    except Open as error:
        note(ours.log, logging.ERROR, "step_crashed", error=error)
    (line,) = ours.lines
    assert NAME not in ours.text
    assert (line["code"], line["message"], line["caused_by"]) == ("test-open", "No room.", ["ValueError"])


def test_a_problem_that_may_name_somebody_is_told_by_its_class(ours: Written) -> None:
    note(ours.log, logging.ERROR, "step_crashed", error=raised(Secretive(NAME)))
    assert ours.lines[0]["message"] == "Somebody's certificate has expired."


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_what_libraries_say_is_told_by_its_place(formatter: logging.Formatter) -> None:
    foreign = Written("asyncio", formatter)
    foreign.log.error("Task of %s failed", NAME, exc_info=raised(ValueError(NAME)))
    assert NAME not in foreign.text
    assert "test_watching_logs.py:" in foreign.text
    assert "ValueError" in foreign.text


def test_text_lines_hold_the_same() -> None:
    written = Written("workflow.test", TextLines())
    note(written.log, logging.WARNING, "step_retried", request=1, code="a b", durations_us={"sign": 2})
    head, *rest = written.text.split(" ", 1)
    assert head.endswith("Z")
    assert rest == [
        'WARNING step_retried logger=workflow.test request=1 code="a b" durations_us={"sign": 2}\n'
    ]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, as it was afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield root
    root.setLevel(level)
    root.handlers[:] = handlers


def test_json_is_asked_for(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.start({"PARAAF_LOG": "json"})
    logs.start({"PARAAF_LOG": "json"})  # again, as in a worker's child: no line is doubled
    note(logging.getLogger("workflow.test"), logging.INFO, "worker_started")
    logging.getLogger("alembic").info("Running")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "worker_started"


def test_text_from_warnings_on_is_the_default(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.start({})
    note(logging.getLogger("workflow.test"), logging.INFO, "worker_started")
    note(logging.getLogger("workflow.test"), logging.WARNING, "step_retried")
    assert "WARNING step_retried" in capsys.readouterr().err
    logs.start({"PARAAF_LOG_LEVEL": "debug"})
    note(logging.getLogger("workflow.test"), logging.DEBUG, "job_taken")
    assert "DEBUG job_taken" in capsys.readouterr().err


@pytest.mark.parametrize("setting", [{"PARAAF_LOG": "xml"}, {"PARAAF_LOG_LEVEL": "loud"}])
def test_a_setting_that_means_nothing_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(WatchingSetting, match=next(iter(setting))):
        logs.start(setting)


def test_every_field_that_the_program_gives_is_on_the_list() -> None:
    given = {
        word.arg
        for name, call in calls()
        if name in {"note", "within", "logs.within"}
        for word in call.keywords
        if word.arg
    }
    assert given <= FIELDS | {"error"}
    assert "request" in given


def test_nobody_logs_past_the_list() -> None:
    words = {f"log.{how}" for how in ("debug", "info", "warning", "error", "exception", "critical")}
    assert not [ast.unparse(call) for name, call in calls() if name in words]


def test_the_guide_lists_every_event_of_the_log() -> None:
    written = {
        call.args[at].value
        for called, call in calls()
        for name, at in (("note", 2), ("_tell", 1))
        if called == name and len(call.args) > at and isinstance(call.args[at], ast.Constant)
    }
    table = GUIDE.split("## The log\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert listed == written | {"library"}
