"""`paraaf hold` and `paraaf retention`: what they print, take, and refuse."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from cli.main import main
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.databases import KINDS, Database, as_owner, fresh
from workflow.store import FILE, Store
from workflow.tables import Request, RetentionRow

EMPLOYEE, MANAGER, CLERK, OUTSIDER = "P024", "P006", "P020", "P050"


@pytest.fixture(scope="module", params=KINDS)
def withdrawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Database]]:
    """An office in which somebody has withdrawn two requests, and a third waits."""
    folder = tmp_path_factory.mktemp("withdrawn")
    rows = folder / "rows.csv"
    rows.write_text("person_id;reference\nP024;R-1\nP024;R-2\nP024;R-3\n")
    data = folder / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database, pytest.MonkeyPatch.context() as environment:
        for name, value in database.environ.items():
            environment.setenv(name, value)
        assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
        assert main(["submit", str(rows), "--data", str(data)]) == 0
        for number in ("1", "2"):
            assert main(["fire", number, "withdraw", "--as", EMPLOYEE, "--data", str(data)]) == 0
        environment.undo()
        yield data, database


@pytest.fixture
def store(
    withdrawn: tuple[Path, Database],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Store]:
    """A copy of it: the database of the folder `data`."""
    folder, made = withdrawn
    shutil.copytree(folder, tmp_path / "data")
    if made.kind == "sqlite":
        with closing(Store(made.url.set(database=str(tmp_path / "data" / FILE)))) as store:
            yield store
        return
    with fresh(made.kind, tmp_path, request, template=made.url.database or "") as database:
        for name, value in database.environ.items():
            monkeypatch.setenv(name, value)
        with closing(Store(database.url)) as store:
            yield store


@pytest.fixture
def terminal(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path / "data", capsys)


def ended(store: Store, days: int, *numbers: int) -> None:
    """Have requests ended so many days ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    with store.write() as session:
        session.execute(update(Request).where(Request.id.in_(numbers)).values(closed_at=moment))


def looked(store: Store, **values: datetime) -> None:
    """Have the last look be as told."""
    with store.write() as session:
        session.execute(update(RetentionRow).values(**values))


class TestRetention:
    def test_nothing_to_do_is_told(self, terminal: Terminal) -> None:
        said = terminal.office("retention")
        assert (said.status, said.err) == (0, "")
        assert said.out.splitlines() == [
            *("To be destroyed within 7 days", "  nothing"),
            *("", "On hold", "  nothing"),
            *("", "Destroyed in the last 7 days", "  nothing"),
        ]
        done = "0 requests destroyed, 0 files removed, 0 people removed.\n"
        assert terminal.office("retention", "--run").out == done

    def test_what_is_due_is_told_before_and_after(self, terminal: Terminal, store: Store) -> None:
        ended(store, 100, 1)
        found = terminal.json("retention", "--days", 30)
        assert [(one["request_id"], one["keep"], one["outcome"]) for one in found["due"]] == [
            (1, "P3M", "withdrawn")
        ]
        assert "  1        employer-declaration A3" in terminal.office("retention").out
        assert terminal.json("retention", "--run")["run"]["requests"] == 1
        found = terminal.json("retention")
        assert found["due"] == []
        assert [one["request_id"] for one in found["destroyed"]] == [1]
        assert (found["files_left"], found["waits_until"]) == (0, None)
        assert (found["unclean_since"] is None, found["cleaning"] is None) == (store.embedded,) * 2
        shown = terminal.office("show", 1, "--as", CLERK).out
        assert "at the end of its term" in shown
        assert "request destroyed" in shown
        assert "und" not in shown
        assert ", ," not in shown
        assert "withdrawn (destroyed)" in terminal.office("requests", "--as", CLERK).out
        assert terminal.json("show", 1, "--as", CLERK)["request"]["data"] == {}

    def test_what_is_due_is_listed_by_day_and_number(self, terminal: Terminal, store: Store) -> None:
        ended(store, 60, 2)
        ended(store, 61, 3)
        ended(store, 61, 1)
        found = terminal.json("retention", "--days", 90)["due"]
        days = [(one["due_on"], one["request_id"]) for one in found]
        assert [number for _, number in days] == [1, 3, 2]
        assert days == sorted(days)

    def test_a_clock_that_jumped_is_told_and_confirmed(self, terminal: Terminal, store: Store) -> None:
        ended(store, 100, 1)
        terminal.office("retention", "--run")
        ended(store, 100, 2)
        looked(store, looked_at=datetime(2026, 1, 1, tzinfo=UTC))
        said = terminal.office("retention", "--run")
        assert said.status == 1
        assert said.out.startswith("Nothing is destroyed before ")
        assert "--clock-is-right" in said.out
        assert "nothing is destroyed before" in terminal.office("retention").out
        assert terminal.json("retention")["waits_until"] is not None
        assert terminal.json("retention", "--run", "--clock-is-right")["run"]["requests"] == 1
        assert terminal.json("retention")["waits_until"] is None

    @pytest.mark.parametrize("withdrawn", ["postgresql"], indirect=True)  # a run cleans SQLite's file itself
    def test_a_servers_files_are_the_owners_and_it_is_told_until_they_are_clean(
        self, terminal: Terminal, store: Store
    ) -> None:
        ended(store, 100, 1)
        said = terminal.office("retention", "--run")
        assert (said.status, said.out.count("1 request destroyed")) == (0, 1)
        statement = terminal.json("retention")["cleaning"]
        assert "traces of what was destroyed.\nThey go when this is run, on a server by" in said.out
        assert f"  {statement}\n" in said.out
        assert f"  {statement}\n" in terminal.office("retention").out
        looked(store, unclean_since=datetime.now(UTC) - timedelta(hours=25))
        assert terminal.office("retention", "--run").status == 1  # since more than a day
        as_owner(store, statement)
        assert terminal.json("retention", "--run")["run"]["clean"] is True
        assert terminal.json("retention")["unclean_since"] is None

    def test_a_row_that_differs_is_not_called_a_tampered_log(self, terminal: Terminal, store: Store) -> None:
        with store.write() as session:
            session.execute(text("UPDATE requests SET state = 'review' WHERE id = 1"))
        said = terminal.office("log", "verify")
        assert said.status == 1
        assert said.out.splitlines()[-1].startswith(
            "The log itself is whole; the tables are not what it says"
        )

    @pytest.mark.parametrize("option", ["--clock-is-right", "--clean"])
    def test_what_goes_with_run_is_not_ignored_without_it(self, terminal: Terminal, option: str) -> None:
        said = terminal.office("retention", option)
        assert (said.status, said.out) == (2, "")

    def test_an_export_made_later_is_whole_and_names_nobody_of_what_went(
        self, terminal: Terminal, store: Store, tmp_path: Path
    ) -> None:
        ended(store, 100, 1, 2)
        terminal.office("retention", "--run")
        export = tmp_path / "export"
        assert terminal.office("export", "events", "-o", export, "--with-bodies").status == 0
        judged = terminal("log", "verify", export, "--json").json
        assert judged["findings"] == []
        named = [line for line in export.read_text().splitlines() if EMPLOYEE in line]
        assert len(named) == 1  # the third request, which waits

    @pytest.mark.parametrize("days", ["-1", "x", "99999", "1.5"])
    def test_days_are_a_number(self, terminal: Terminal, days: str) -> None:
        assert terminal.office("retention", "--days", days).status == 2


class TestHold:
    def test_a_held_request_is_kept_until_it_is_released(self, terminal: Terminal, store: Store) -> None:
        ended(store, 100, 1)
        said = terminal.office("hold", 1, "--as", CLERK, "--reason", "A claim.")
        assert said.status == 0
        number = int(said.out.rstrip(".\n").rpartition(" ")[2])
        assert said.out == f"Request 1 is on hold: hold {number}.\n"
        again = terminal.json("hold", 1, "--as", CLERK, "--reason", "A claim.")["hold"]
        said = terminal.office("hold", 1, "--as", CLERK, "--reason", "A claim.")
        assert said.out == f"Request 1 is on hold already: hold {number}.\n"
        assert again == {"id": number, "request_id": 1, "left": [number], "repeated": True}
        [hold] = terminal.json("retention")["holds"]
        assert hold["overdue"] is True
        assert f"{hold['due_on']} overdue  A claim." in terminal.office("retention").out
        assert f"hold {number}: it is not destroyed" in terminal.office("show", 1, "--as", CLERK).out
        assert terminal.json("show", 1, "--as", CLERK)["request"]["holds"] == [number]
        assert "it is not destroyed" in terminal.office("show", 1, "--as", CLERK).out
        assert terminal.json("retention", "--run")["run"]["requests"] == 0
        other = terminal.json("hold", 1, "--as", MANAGER, "--reason", "Another.")["hold"]["id"]
        said = terminal.office("hold", 1, "--as", MANAGER, "--reason", "Settled.", "--release", number)
        assert said.out == f"Hold {number} on request 1 is released. It stays on hold: hold {other}.\n"
        said = terminal.office("hold", 1, "--as", MANAGER, "--reason", "Settled.", "--release")
        assert said.out == f"Hold {other} on request 1 is released. It is destroyed when it is due.\n"
        assert terminal.json("retention", "--run")["run"]["requests"] == 1

    @pytest.mark.parametrize("who", [EMPLOYEE, OUTSIDER, "P999"])
    def test_who_may_not_is_told(self, terminal: Terminal, who: str) -> None:
        said = terminal.office("hold", 1, "--as", who, "--reason", "A claim.", "--json")
        assert said.status == 1
        assert json.loads(said.out)["error"]["code"] in {"workflow-refused", "workflow-not-found"}

    def test_several_are_held_at_once(self, terminal: Terminal) -> None:
        said = terminal.json("hold", 1, 2, "--as", CLERK, "--reason", "A claim.")["holds"]
        assert [one["request_id"] for one in said] == [1, 2]
        said = terminal.json("hold", 1, 2, "--as", CLERK, "--reason", "Settled.", "--release")["holds"]
        assert [one["left"] for one in said] == [[], []]

    def test_a_reason_is_asked_for(self, terminal: Terminal) -> None:
        assert terminal.office("hold", 1, "--as", CLERK).status == 2
