"""Requests at the command line: people come in, rows are handed in, looked at and moved."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import update

from cli.main import main
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.databases import KINDS, Database, fresh
from workflow.store import Store
from workflow.tables import Task

# Of the sample register: the employee, their manager, clerks, signers, and somebody who has no part in it.
EMPLOYEE, MANAGER, CLERK, OTHER_CLERK, SIGNER, OUTSIDER = "P024", "P006", "P020", "P038", "P001", "P050"
PASSWORD = "a sample's password"
ROWS = "person_id;reference;employee.maiden_name\nP024;R-1;Voorbeeld-Zon\nP040;R-2;\n"
AMOUNT = "Write an amount like 1234.56 or 1.234,56, without a currency."
SIGNING = '{"signing": {"name": "H. Voorbeeld-Esdoorn", "place": "Voorbeeldstad", "contact_name": "Desk", \
"contact_phone": "070 000 0000"}}'


@dataclass(frozen=True)
class Staffed:
    """A data folder and a database with the sample people and no request."""

    folder: Path
    database: Database


@pytest.fixture(scope="module", params=KINDS)
def staffed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    folder = tmp_path_factory.mktemp("staffed")
    with fresh(request.param, folder, request) as database, pytest.MonkeyPatch.context() as patch:
        for name, value in database.environ.items():
            patch.setenv(name, value)
        assert main(["people", "--register", str(SAMPLE), "--data", str(folder)]) == 0
        file = tmp_path_factory.mktemp("password") / "password"
        file.write_text(PASSWORD)
        words = ["people", "password", SIGNER, "--as", SIGNER, "--file", str(file), "--data", str(folder)]
        assert main(words) == 0
        patch.undo()
        yield Staffed(folder, database)


@pytest.fixture
def terminal(
    staffed: Staffed,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path / "data", capsys)
    terminal.copy_of(staffed.folder)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    if staffed.database.kind == "sqlite":
        yield terminal
        return
    template = staffed.database.url.database or ""
    with fresh("postgresql", tmp_path, request, template=template) as database:
        for name, value in database.environ.items():
            monkeypatch.setenv(name, value)
        yield terminal


def rows_file(folder: Path, text: str) -> Path:
    file = folder / "rows.csv"
    file.write_text(text)
    return file


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return rows_file(tmp_path, ROWS)


def accepting(terminal: Terminal) -> tuple[str, ...]:
    """What a signer types who accepts the text, with their password."""
    return ("--consent", "--password-file", str(terminal.data.parent / "password"))


def work(terminal: Terminal) -> None:
    """Have the automatic steps done."""
    said = terminal.office("worker", "--until-idle")
    assert (said.status, said.err) == (0, "")
    assert said.out.endswith((" rendered.\n", " signed, 1 delivered.\n"))


def moved(folder: Path) -> Path:
    """A register by which the manager works in another unit."""
    file = folder / "moved.csv"
    lines = SAMPLE.read_text().splitlines(keepends=True)
    changed = (
        line.replace("Policy", "Elsewhere") if line.startswith(f"{MANAGER},") else line for line in lines
    )
    file.write_text("".join(changed))
    return file


def administrating(line: str, person: str) -> str:
    """The line of a register, with which this person administers the office."""
    [row] = csv.reader([line])
    if row[0] != person:
        return line
    names = SAMPLE.read_text().splitlines()[0].split(",")
    row[names.index("duties")] = "administrator"
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(row)
    return written.getvalue()


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have a text come from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def seen(terminal: Terminal, who: str) -> tuple[str, str, str, str]:
    """Somebody who decides on request 1, and says the version that they have seen."""
    version = terminal.json("show", 1, "--as", who)["request"]["version"]
    return "--as", who, "--version", str(version)


def requests_of(terminal: Terminal) -> list[int]:
    """Which requests wait for the manager of both requesters' unit."""
    tasks = terminal.json("queue", "--as", MANAGER)["tasks"]
    return [task["request_id"] for task in tasks]


class TestRequests:
    def test_who_asked_finds_their_request_again(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("requests", "--as", EMPLOYEE)
        assert said.out.splitlines()[0].split()[:4] == ["request", "process", "variant", "state"]
        assert said.out.splitlines()[1].split()[:5] == [
            "1",
            "employer-declaration",
            "A3",
            "manager",
            EMPLOYEE,
        ]
        found = terminal.json("requests", "--as", MANAGER, "--reference", "R-2", "--open")["requests"]
        assert [line["id"] for line in found] == [2]
        page = terminal.json("requests", "--as", MANAGER, "--limit", "1")
        assert ([line["id"] for line in page["requests"]], page["below"]) == ([2], 2)
        last = terminal.json("requests", "--as", MANAGER, "--limit", "1", "--below", "2")
        assert ([line["id"] for line in last["requests"]], last["below"]) == ([1], None)
        assert [line["id"] for line in terminal.json("requests", "--as", "P192")["requests"]] == [2, 1]
        assert "no such request" in terminal.office("requests", "--as", OUTSIDER).out
        assert terminal.office("requests", "--as", "P777").status == 1
        assert "paraaf requests" in terminal.office("show", 1, "--as", OUTSIDER).err


class TestShowPlainly:
    def test_an_ended_request_says_so_once_and_lists_count_from_1(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        row = {
            "person_id": EMPLOYEE,
            "income": {"lines": [{"label": "Stand-by", "amount": "10.00", "fixed": True}]},
        }
        file = tmp_path / "rows.json"
        file.write_text(json.dumps([row]))
        terminal.json("submit", file)
        assert re.search(
            r"income\.lines\.1\.label +Stand-by", terminal.office("show", 1, "--as", EMPLOYEE).out
        )
        terminal.json("fire", 1, "withdraw", "--as", EMPLOYEE)
        said = terminal.office("show", 1, "--as", EMPLOYEE).out
        assert said.count("The request has ended") == 1
        assert said.endswith(f"{EMPLOYEE} can do nothing with it. The request has ended: withdrawn.\n")


class TestSubmit:
    def test_a_repeat_makes_nothing_twice(self, terminal: Terminal, rows: Path) -> None:
        first = terminal.json("submit", rows)["files"][0]
        again = terminal.json("submit", rows)["files"][0]
        assert [row["repeated"] for row in first["taken"]] == [False, False]
        assert [row["repeated"] for row in again["taken"]] == [True, True]
        assert [row["request"] for row in first["taken"]] == [row["request"] for row in again["taken"]]
        assert requests_of(terminal) == [1, 2]

    def test_text_says_which_requests(self, terminal: Terminal, rows: Path) -> None:
        assert terminal.office("submit", rows).out == f"{rows}: 2 new requests (1–2)\n"
        assert terminal.office("submit", rows).out == f"{rows}: 0 new requests, 2 already there (1–2)\n"

    def test_bad_rows_are_told_with_their_line_and_good_ones_taken(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        file = tmp_path / "mixed.csv"
        file.write_text(
            "person_id;income.overtime;income.thirteenth_month\nP024;much;often\nP040;;\nP999;;\n"
        )
        said = terminal.office("submit", file)
        assert said.status == 1
        assert said.out.splitlines() == [
            f"{file}: 1 new request (1), 2 rows refused",
            f"  line 2, income.overtime: {AMOUNT}",
            f"  line 2, income.thirteenth_month: {AMOUNT}",
            "  line 4, person_id: The HR register holds no person of this id.",
        ]

    def test_refused_rows_of_one_line_are_counted_and_named(self, terminal: Terminal, tmp_path: Path) -> None:
        file = tmp_path / "rows.json"
        file.write_text(
            json.dumps(
                [
                    {"person_id": "P024", "income": {"overtime": "much", "thirteenth_month": "often"}},
                    {"person_id": "P040"},
                    {"person_id": "P999", "reference": "R-3"},
                ]
            )
        )
        assert terminal.office("submit", file).out.splitlines() == [
            f"{file}: 1 new request (1), 2 rows refused",
            f"  line 1, row 1, income.overtime: {AMOUNT}",
            f"  line 1, row 1, income.thirteenth_month: {AMOUNT}",
            "  line 1, row 3 (reference R-3), person_id: The HR register holds no person of this id.",
        ]

    def test_the_same_file_in_another_language_is_not_taken_and_said_so(
        self, terminal: Terminal, rows: Path
    ) -> None:
        terminal.json("submit", rows, "--language", "nl")
        said = terminal.office("submit", rows, "--language", "en")
        assert said.status == 1
        assert said.out.splitlines()[1:] == [
            f"  line {line}: This was handed in before, as request {line - 1} in another language (nl);"
            " nothing was changed. To ask for it once more, give the row a reference of its own."
            for line in (2, 3)
        ]

    def test_a_file_that_cant_be_read_stops_no_other(
        self, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        said = terminal.office("submit", tmp_path / "missing.csv", rows, "--json")
        missing, good = said.json["files"]
        assert said.status == 1
        assert missing["problems"][0]["line"] == 0
        assert len(good["taken"]) == 2
        head = terminal.office("submit", tmp_path / "missing.csv").out.splitlines()[0]
        assert head == f"{tmp_path / 'missing.csv'}: refused"

    def test_a_reference_stands_for_one_content(self, terminal: Terminal, rows: Path, tmp_path: Path) -> None:
        terminal.json("submit", rows)
        other = tmp_path / "other.csv"
        other.write_text("person_id;reference\nP024;R-1\nP041;R-2\n")
        said = terminal.office("submit", other, "--json")
        problems = said.json["files"][0]["problems"]
        assert said.status == 1
        assert [(one["line"], one["rule"]) for one in problems] == [
            (2, "reference-reused"),
        ]
        assert problems[0]["message"] == "This reference is request 1 already, with other content."
        # somebody else's reference of the same letters is their own, and tells nothing of the first
        (taken,) = said.json["files"][0]["taken"]
        assert (taken["line"], taken["repeated"], taken["request"]) == (3, False, 3)
        assert requests_of(terminal) == [1, 2, 3]

    def test_a_repeat_is_known_again_when_the_register_has_changed(
        self, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        terminal.json("submit", rows)
        raised = tmp_path / "raised.csv"
        raised.write_text(SAMPLE.read_text().replace("Senior policy adviser", "Chief policy adviser"))
        assert raised.read_text() != SAMPLE.read_text()
        terminal.json("people", "--register", raised)
        again = terminal.json("submit", rows)["files"][0]
        assert [row["repeated"] for row in again["taken"]] == [True, True]

    def test_another_way_of_signing_the_same_row_is_refused(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("submit", rows, "--variant", "A4")
        assert said.status == 1
        assert "handed in before, as request 1 (A3, P024)" in said.out

    def test_a_row_without_a_person_is_whose_as_says(self, terminal: Terminal, tmp_path: Path) -> None:
        terminal.json("submit", rows_file(tmp_path, "person_id\nP050\n"))
        data = terminal.json("show", 1, "--as", CLERK)["request"]["data"]
        file = tmp_path / "nobody.json"
        file.write_text(json.dumps(data | {"reference": "R-9"}))
        said = terminal.office("submit", file)
        assert said.status == 1
        assert "Whose request is this? Give the row a person_id, or say --as." in said.out
        terminal.json("submit", file, "--as", OUTSIDER)
        assert terminal.json("show", 2, "--as", OUTSIDER)["request"]["requester_id"] == OUTSIDER

    def test_a_way_of_signing_that_is_not_offered(self, terminal: Terminal, rows: Path) -> None:
        said = terminal.office("submit", rows, "--variant", "A9")
        assert said.status == 1
        assert "There is no process" in said.err


class TestDecisionsAndDrafts:
    @pytest.fixture(autouse=True)
    def handed_in(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)

    def test_who_decides_says_which_version_they_have_seen(self, terminal: Terminal) -> None:
        said = terminal.office("fire", 1, "approve", "--as", MANAGER)
        assert said.status == 1
        assert "Say which version of the request you have seen." in said.err
        assert f"`paraaf show 1 --as {MANAGER}` prints it: add --version V." in said.err
        assert terminal.json("show", 1, "--as", MANAGER)["request"]["state"] == "manager"
        terminal.json("fire", 1, "claim", "--as", MANAGER)  # whatever decides nothing needs none
        terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))

    def test_without_the_register_everything_is_shown_and_nothing_is_approved(
        self, terminal: Terminal
    ) -> None:
        """On a further host, say, to which nobody copied it: data would be compared with nothing."""
        register = terminal.data / "hr_register.csv"
        aside = register.rename(register.with_name("aside.csv"))
        words = ("fire", 1, "approve", *seen(terminal, MANAGER))
        said = terminal.office(*words)
        assert said.status == 1
        assert "There is no HR register (hr_register.csv)" in said.err
        aside.rename(register)
        terminal.json(*words)

    def test_who_can_not_see_a_request_any_more_gives_its_task_back(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        terminal.json("fire", 1, "claim", "--as", MANAGER)
        terminal.json("people", "--register", moved(tmp_path))
        release = ("fire", 1, "release", "--as", MANAGER)
        assert "nothing else can be sent" in terminal.office(*release, "--fact", "signed_on=2026-11-20").err
        said = terminal.office(*release)
        assert (said.status, said.out) == (0, "Request 1: release done.\n")
        assert "no request" in terminal.office("fire", 1, "claim", "--as", MANAGER).err

    def test_what_changed_since_is_looked_at_again(self, terminal: Terminal) -> None:
        words = ("fire", 1, "approve", *seen(terminal, MANAGER))
        terminal.json("fire", 1, "claim", "--as", MANAGER)
        assert "version" in terminal.office(*words).err

    def test_a_draft_is_shown_to_its_writer_alone_and_sent_on_request(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))
        typed(monkeypatch, SIGNING)
        terminal.json("fire", 1, "save_draft", "--as", CLERK, "--data-json", "-")
        draft = terminal.json("show", 1, "--as", CLERK)["request"]["draft"]
        assert draft["data"] == json.loads(SIGNING)
        shown = terminal.office("show", 1, "--as", CLERK).out.split("Your draft, saved")[1]
        assert shown.count("Voorbeeldstad") == 1
        for who in (OTHER_CLERK, MANAGER):
            assert terminal.json("show", 1, "--as", who)["request"]["draft"] is None
        none = terminal.office("fire", 1, "approve", *seen(terminal, OTHER_CLERK), "--draft")
        assert none.status == 1
        assert "There is no draft of yours" in none.err
        typed(monkeypatch, '{"signing": {"place": "Andere Stad"}}')
        terminal.json("fire", 1, "approve", *seen(terminal, CLERK), "--draft", "--data-json", "-")
        request = terminal.json("show", 1, "--as", CLERK)["request"]
        assert request["data"]["signing"] == json.loads(SIGNING)["signing"] | {"place": "Andere Stad"}
        assert request["draft"] is None


class TestQueueAndShow:
    def test_the_queue_of_somebody_without_tasks(self, terminal: Terminal) -> None:
        assert terminal.office("queue", "--as", OUTSIDER).out == f"Nothing waits for {OUTSIDER}.\n"

    def test_the_queue_of_nobody(self, terminal: Terminal) -> None:
        said = terminal.office("queue", "--as", "P999")
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("paraaf: P999 is not known here.")

    def test_the_queue_says_who_holds_a_task(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 1, "claim", "--as", MANAGER)
        head, first, second, count = terminal.office("queue", "--as", MANAGER).out.splitlines()
        assert head.split() == [
            *(
                "request",
                "process",
                "variant",
                "state",
                "as",
                "requester",
                "unit",
                "reference",
                "since",
                "(UTC)",
                "due",
                "(UTC)",
            ),
            "held",
        ]
        assert first.endswith("held by you")
        assert "R-2" in second
        assert count == "2 tasks"
        assert len(terminal.json("queue", "--as", MANAGER, "--limit", 1)["tasks"]) == 1

    def test_the_queue_is_chosen_in_order_and_in_pages(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 2, "claim", "--as", MANAGER)
        queue = ("queue", "--as", MANAGER, "--sort=-number")
        said = terminal.json(*queue, "--limit", 1)
        assert ([one["request_id"] for one in said["tasks"]], said["count"], said["more"]) == ([2], 2, False)
        plain = terminal.office(*queue, "--limit", 1).out.splitlines()
        assert plain[-2:] == ["1 task of 2", f"There are more: --after {said['after']}"]
        said = terminal.json(*queue, "--after", said["after"])
        assert ([one["request_id"] for one in said["tasks"]], said["after"]) == ([1], None)
        assert [one["request_id"] for one in terminal.json(*queue, "--text", "R-2")["tasks"]] == [2]
        assert [one["request_id"] for one in terminal.json(*queue, "--assignee", "free")["tasks"]] == [1]
        assert terminal.json(*queue, "--due", "past")["tasks"] == []
        assert (
            terminal.office(*queue, "--suspended").out == f"Nothing waits for {MANAGER} that is looked for.\n"
        )
        said = terminal.office(*queue, "--offered-after", "yesterday")
        assert said.status == 1
        assert "offered_after: Write the day as 2026-11-20." in said.err

    def test_the_next_is_claimed_once_by_a_key(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        first = terminal.json("queue", "--as", MANAGER, "--next", "--key", "k", "--text", "R-2")["claimed"]
        assert (first["request_id"], first["repeated"]) == (2, False)
        again = terminal.json("queue", "--as", MANAGER, "--next", "--key", "k")["claimed"]
        assert again == first | {"repeated": True}
        assert (
            terminal.office("queue", "--as", MANAGER, "--next").out
            == f"{MANAGER} holds request 1, in manager.\n"
        )
        assert terminal.json("queue", "--as", MANAGER, "--next") == {"claimed": None}
        said = terminal.office("queue", "--as", MANAGER, "--next")
        assert (said.status, said.out) == (0, f"Nothing waits for {MANAGER} that nobody holds.\n")

    def test_filters_are_kept_and_used_by_their_names(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        queue = ("queue", "--as", MANAGER)
        assert terminal.office(*queue, "--filters").out == f"No filter of {MANAGER} is kept.\n"
        kept = terminal.json(*queue, "--text", "R-2", "--sort=-age", "--save", "second")["filters"]
        assert kept == [{"name": "second", "query": "text=R-2&sort=-age"}]
        assert [one["request_id"] for one in terminal.json(*queue, "--filter", "second")["tasks"]] == [2]
        over = terminal.json(*queue, "--filter", "second", "--text", "R-1")["tasks"]
        assert [one["request_id"] for one in over] == [1]
        assert terminal.office(*queue, "--filters").out.splitlines()[1].split() == [
            "second",
            "text=R-2&sort=-age",
        ]
        assert terminal.json(*queue, "--remove", "second") == {"filters": []}
        for option in ("--remove", "--filter"):
            said = terminal.office(*queue, option, "second")
            assert (said.status, said.err.splitlines()[0]) == (1, "paraaf: The filter second is not there.")

    def test_show_says_what_can_be_done_and_why_not_the_rest(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        shown = terminal.json("show", 1, "--as", MANAGER)
        can = {way["trigger"]: way for way in shown["can"]}
        assert set(can) == {"approve", "return", "claim", "suspend", "save_draft"}
        assert set(shown["request"]["possible"]) == set(can)
        assert can["return"]["remark"]
        assert can["approve"]["sections"] == ["continuation", "reasons"]
        cannot = {way["trigger"]: [r["code"] for r in way["reasons"]] for way in shown["cannot"]}
        assert cannot["withdraw"] == ["requester"]
        assert cannot["release"] == ["unclaimed"]

    def test_show_prints_data_history_and_both_lists(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        out = terminal.office("show", 1, "--as", MANAGER).out
        assert "  employee.maiden_name" in out
        assert "request submitted  P024  request → manager" in out
        assert "\nP006 can\n  approve     (may change: continuation, reasons)\n" in out
        assert "\nP006 can't\n  withdraw  Only the requester can do this" in out

    def test_who_has_no_part_in_it_is_told_that_there_is_none(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("show", 1, "--as", OUTSIDER)
        assert said.status == 1
        assert said.err.startswith("paraaf: There is no request 1 that this person may see.")

    def test_what_somebody_typed_moves_no_cursor(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("fire", 1, "return", "--as", MANAGER, "--remark", "no\x1b[2J")
        assert said.status == 1
        assert "\x1b" not in said.out + said.err + terminal.office("show", 1, "--as", MANAGER).out

    def test_there_is_no_document_before_it_is_rendered(
        self, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        terminal.json("submit", rows)
        said = terminal.office("show", 1, "--as", MANAGER, "-o", tmp_path / "out.pdf")
        assert (said.status, (tmp_path / "out.pdf").exists()) == (1, False)
        assert "has no document yet" in said.err


class TestWarnings:
    """An address that is not the one in the register has to be given a reason, under a name that is told."""

    KEY = "reasons.address-differs"

    @pytest.fixture
    def rows(self, tmp_path: Path) -> Path:
        return rows_file(tmp_path, "person_id;reference;employee.address\nP024;R-1;Proefstraat 99\n")

    def test_submit_and_show_name_the_key(self, terminal: Terminal, rows: Path) -> None:
        assert f"given as {self.KEY}." in terminal.office("submit", rows).out
        out = terminal.office("show", 1, "--as", MANAGER).out
        assert f"given as {self.KEY}." in out.partition("To be settled before signing")[2]
        warnings = terminal.json("show", 1, "--as", MANAGER)["warnings"]
        assert ("employee.address", "address-differs") in [(w["field"], w["rule"]) for w in warnings]

    def test_submit_as_json(self, terminal: Terminal, rows: Path) -> None:
        [taken] = terminal.json("submit", rows)["files"][0]["taken"]
        assert {"address-differs"} <= {warning["rule"] for warning in taken["warnings"]}
        assert all(set(warning) == {"field", "rule", "message"} for warning in taken["warnings"])

    def test_the_key_settles_it(
        self, terminal: Terminal, rows: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))
        typed(monkeypatch, SIGNING)
        refused = terminal.office("fire", 1, "approve", *seen(terminal, CLERK), "--data-json", "-")
        assert f"given as {self.KEY}." in refused.err
        rules = [one["rule"] for one in terminal.json("show", 1, "--as", CLERK)["warnings"]]
        reasons = dict.fromkeys(rules, "Looked up; it is right.")
        typed(monkeypatch, json.dumps(json.loads(SIGNING) | {"reasons": reasons}))
        terminal.json("fire", 1, "approve", *seen(terminal, CLERK), "--data-json", "-")
        assert terminal.json("show", 1, "--as", CLERK)["warnings"] == []


class TestFire:
    def test_a_refusal_tells_every_reason_and_changes_nothing(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 1, "claim", "--as", MANAGER)
        before = terminal.json("show", 1, "--as", MANAGER)["request"]
        said = terminal.office("fire", 1, "approve", *seen(terminal, CLERK), "--fact", "note=x")
        assert said.status == 1
        assert said.err.splitlines() == [
            "paraaf: P020 can't do 'approve' on request 1 now.",
            "        - P020 does not have the role 'Manager of the employee' for unit Policy.",
            "        - P006 holds this task.",
            "        - facts.note: This fact is not asked here.",
            "        Choose another task, or ask the holder to release this one; where they can't, an"
            " administrator does.",
        ]
        assert terminal.json("show", 1, "--as", MANAGER)["request"] == before

    def test_reasons_as_json(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("fire", 1, "return", "--as", MANAGER, "--json")
        assert said.status == 1
        [reason] = said.json["error"]["reasons"]
        assert (reason["code"], reason["field"]) == ("remark", "remark")

    def test_the_same_key_does_it_once(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        words = ("fire", 1, "return", "--as", MANAGER, "--remark", "Check this.", "--key", "k-1")
        first, again = terminal.json(*words)["answer"], terminal.json(*words)["answer"]
        assert (first["repeated"], again["repeated"]) == (False, True)
        assert first["event_seq"] == again["event_seq"]

    def test_the_same_key_and_data_do_it_once(self, terminal: Terminal, rows: Path, tmp_path: Path) -> None:
        """The change by fields is laid over data that it has changed before."""
        terminal.json("submit", rows)
        file = tmp_path / "signing.json"
        file.write_text(SIGNING)
        terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))
        words = ("fire", 1, "approve", *seen(terminal, CLERK), "--data-json", file, "--key", "k-1")
        first, again = terminal.json(*words)["answer"], terminal.json(*words)["answer"]
        assert (first["repeated"], again["repeated"]) == (False, True)

    def test_what_was_acknowledged_is_so_when_it_is_sent_again(
        self, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        """Although the draft is gone, another text is asked for, or the request is out of sight by then."""
        terminal.json("submit", rows, "--variant", "A1")
        file = tmp_path / "signing.json"
        file.write_text(SIGNING)
        sent = [("fire", 1, "approve", *seen(terminal, MANAGER), "--key", "k-1")]
        terminal.json(*sent[0])
        terminal.json("fire", 1, "save_draft", "--as", CLERK, "--data-json", file)
        sent.append(("fire", 1, "approve", *seen(terminal, CLERK), "--draft", "--key", "k-2"))
        terminal.json(*sent[1])
        work(terminal)
        sent.append(("fire", 1, "sign", *seen(terminal, SIGNER), *accepting(terminal), "--key", "k-3"))
        terminal.json(*sent[2])
        terminal.json("people", "--register", moved(tmp_path))
        for words in sent:
            said = terminal.office(*words)
            assert (said.status, said.err) == (0, "")
            assert "done before, under this key" in said.out
        refused = terminal.office("fire", 1, "return", *sent[1][3:7], "--draft", "--key", "k-2")
        assert "There is no draft of yours" in refused.err

    def test_a_stale_version_is_refused(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 1, "claim", "--as", MANAGER, "--version", 1)
        said = terminal.office("fire", 1, "approve", "--as", MANAGER, "--version", 1)
        assert said.status == 1
        assert "it is now in version 2" in said.err

    @pytest.mark.parametrize("text", ["{", "[1]", '{"a": ' * 100_000])
    def test_data_that_is_no_json_object(
        self, text: str, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        terminal.json("submit", rows)
        file = tmp_path / "data.json"
        file.write_text(text)
        said = terminal.office("fire", 1, "approve", *seen(terminal, MANAGER), "--data-json", file, "--json")
        assert said.status == 1
        assert said.json["error"]["code"] == "command-input"

    def test_data_changes_by_fields(
        self, terminal: Terminal, rows: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal.json("submit", rows)
        before = terminal.json("show", 1, "--as", MANAGER)["request"]["data"]
        terminal.json("fire", 1, "return", "--as", MANAGER, "--remark", "Which hours?")
        typed(
            monkeypatch,
            '{"employee": {"maiden_name": null}, "income": {"thirteenth_month": "1250.50"}}',
        )
        terminal.json("fire", 1, "submit", "--as", EMPLOYEE, "--data-json", "-")
        after = terminal.json("show", 1, "--as", MANAGER)["request"]["data"]
        assert after["income"] == before["income"] | {"thirteenth_month": "1250.50"}
        assert "maiden_name" not in after["employee"]
        assert {n: v for n, v in after.items() if n not in {"income", "employee"}} == {
            n: v for n, v in before.items() if n not in {"income", "employee"}
        }

    def test_a_trigger_that_the_process_does_not_know(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("fire", 1, "printed", "--as", MANAGER)
        assert said.status == 1
        first, *_, last = said.err.splitlines()
        assert first == "paraaf: P006 can't do 'printed' on request 1 now."
        assert last.startswith("        In state 'manager' possible: approve, return, ")

    def test_every_verb_of_a_task(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        for verb in ("claim", "start", "release", "claim"):
            terminal.json("fire", 1, verb, "--as", MANAGER)
        terminal.json("fire", 1, "suspend", "--as", MANAGER, "--remark", "Asked the pay office.")
        assert "suspended" in terminal.office("queue", "--as", MANAGER).out
        terminal.json("fire", 1, "resume", "--as", MANAGER)
        terminal.json("fire", 1, "withdraw", "--as", EMPLOYEE)
        assert terminal.json("show", 1, "--as", EMPLOYEE)["request"]["outcome"] == "withdrawn"

    def test_accepting_where_nothing_is_asked(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        said = terminal.office("fire", 1, "approve", *seen(terminal, MANAGER), "--consent")
        assert said.status == 1
        assert "There is no text to accept with 'approve' in state 'manager'." in said.err


@pytest.mark.slow
def test_from_a_row_to_a_signed_document(
    terminal: Terminal, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1: the signer has to accept a text; the organisation's seal goes on the document."""
    terminal.json("submit", rows, "--variant", "A1", "--language", "en")
    terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))
    typed(monkeypatch, SIGNING)
    said = terminal.office("fire", 1, "approve", *seen(terminal, CLERK), "--data-json", "-")
    assert "a worker goes on with it" in said.out
    work(terminal)

    without = terminal.office("fire", 1, "sign", *seen(terminal, SIGNER))
    assert without.status == 1
    assert "consent: Accept the text 'click' first. --consent accepts: “" in without.err
    way = next(w for w in terminal.json("show", 1, "--as", SIGNER)["can"] if w["trigger"] == "sign")
    assert way["consent"]["text"] in without.err
    assert way["consent"]["text"] in terminal.office("show", 1, "--as", SIGNER).out
    terminal.json("fire", 1, "sign", *seen(terminal, SIGNER), *accepting(terminal))
    work(terminal)

    file = tmp_path / "declaration.pdf"
    shown = terminal.json("show", 1, "--as", EMPLOYEE, "-o", file)
    assert shown["request"]["state"] == "delivered"
    assert shown["request"]["documents"][0]["level_reached"] == "B-LT"
    trust = terminal.data / "trust" / "development-root.pem"
    assert terminal("verify", file, "--trust", trust).status == 0
    assert "name the certificate to trust with --trust" in terminal("verify", file).err
    again = terminal.office("show", 1, "--as", EMPLOYEE, "-o", file)
    assert "is there already" in again.err
    assert terminal.office("show", 1, "--as", EMPLOYEE, "-o", file, "--force").status == 0

    told = terminal.json("throughput", "--key", "employer-declaration")
    levels = [said["level"] for cell in told["panels"]["score_card"]["cells"] for said in cell["said"]]
    assert [one for one in levels if one] == [{"profile": "click-seal", "level": "B-LT", "n": 1}]
    measured = told["groups"][0]
    assert (measured["n"], measured["delivered"], measured["lead_driven_by_program"]) == (2, 1, False)
    assert terminal.office("log", "verify").status == 0


def test_a_worker_without_work_says_so(terminal: Terminal) -> None:
    assert terminal.office("worker", "--until-idle").out == "Nothing to do.\n"


def counts(loaded: int, *, joined: int = 0, changed: int = 0, left: int = 0) -> dict[str, int | bool]:
    return {"loaded": loaded, "joined": joined, "changed": changed, "left": left, "new_office": False}


class TestPeople:
    def test_loading_says_where_the_root_certificate_is(self, terminal: Terminal) -> None:
        root = terminal.data / "trust" / "development-root.pem"
        assert terminal.office("people", "--register", SAMPLE).out.endswith(f" {root}\n")
        assert root.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert b"PRIVATE" not in root.read_bytes()

    def test_the_list_says_roles_and_where(self, terminal: Terminal) -> None:
        out = terminal.office("people").out.splitlines()
        assert out[0].split() == ["id", "name", "unit", "roles"]
        assert out[20].endswith("author, clerk (everywhere), employee")
        people = {one["id"]: one for one in terminal.json("people")["people"]}
        assert {"role": "signer", "in": None} in people[SIGNER]["roles"]
        assert {"role": "manager", "in": "Policy"} in people[MANAGER]["roles"]

    def test_a_bad_register_changes_nothing(self, terminal: Terminal, tmp_path: Path) -> None:
        before = terminal.json("people"), (terminal.data / "hr_register.csv").read_bytes()
        bad = tmp_path / "bad.csv"
        bad.write_text(SAMPLE.read_text().replace("1990-05-23", "May"))
        said = terminal.office("people", "--register", bad)
        assert said.status == 1
        assert "Line 2 of the HR register, date_of_birth" in said.err
        assert (terminal.json("people"), (terminal.data / "hr_register.csv").read_bytes()) == before

    def test_a_new_office_is_told_as_one(
        self, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who is in the wrong folder makes one by mistake."""
        monkeypatch.delenv("PARAAF_DATABASE", raising=False)
        other = tmp_path / "another"
        said = [terminal("people", "--register", SAMPLE, "--data", other).out for _ in range(2)]
        told = f"A new office, with new keys, was made in {other}.\n"
        assert [told in each for each in said] == [True, False]

    def test_a_register_that_can_be_mended(self, terminal: Terminal) -> None:
        """A copy that somebody broke by hand keeps nobody from loading a whole one."""
        (terminal.data / "hr_register.csv").write_text("nonsense\n1,2\n")
        assert terminal.json("people", "--register", SAMPLE) == counts(200)
        assert list(terminal.data.glob(".*")) == []

    def test_who_has_left_can_do_nothing(self, terminal: Terminal, rows: Path, tmp_path: Path) -> None:
        terminal.json("submit", rows)
        fewer = tmp_path / "fewer.csv"
        lines = SAMPLE.read_text().splitlines(keepends=True)
        rest = [line for line in lines if not line.startswith(f"{MANAGER},")]
        fewer.write_text("".join(rest).replace(f",{MANAGER},", ",P001,"))  # their people have another manager
        assert terminal.json("people", "--register", fewer) == counts(199, left=1)
        assert terminal.json("queue", "--as", MANAGER)["tasks"] == []
        assert terminal.office("fire", 1, "approve", "--as", MANAGER, "--version", 1).status == 1

    def test_an_administrator_ends_what_a_leaver_left_behind_without_seeing_it(
        self, terminal: Terminal, rows: Path, tmp_path: Path
    ) -> None:
        terminal.json("submit", rows)
        terminal.json("fire", 1, "claim", "--as", MANAGER)
        rest = [
            line for line in SAMPLE.read_text().splitlines(keepends=True) if not line.startswith(EMPLOYEE)
        ]
        fewer = tmp_path / "fewer.csv"
        fewer.write_text("".join(administrating(line, OUTSIDER) for line in rest))
        terminal.json("people", "--register", fewer)
        assert "no request" in terminal.office("show", 1, "--as", OUTSIDER).err
        words = ("fire", 1, "withdraw", "--as", OUTSIDER)
        refused = terminal.office(*words, "--json")
        assert [one["code"] for one in refused.json["error"]["reasons"]] == ["claimed"]
        assert "no request" in terminal.office("fire", 1, "approve", "--as", OUTSIDER, "--version", 2).err
        for done in (("fire", 1, "release", "--as", OUTSIDER), words):
            assert terminal.office(*done).status == 0

    def test_a_register_that_was_cut_off_is_refused_unless_so_many_left(
        self, terminal: Terminal, tmp_path: Path
    ) -> None:
        before = terminal.json("people"), (terminal.data / "hr_register.csv").read_bytes()
        cut = tmp_path / "cut.csv"
        cut.write_text("".join(SAMPLE.read_text().splitlines(keepends=True)[:8]))
        said = terminal.office("people", "--register", cut)
        assert said.status == 1
        assert "193 of 200 people would leave" in said.err
        assert (terminal.json("people"), (terminal.data / "hr_register.csv").read_bytes()) == before
        said = terminal.office("people", "--register", cut, "--many-leave")
        assert said.out.splitlines()[0].endswith(": 0 joined, 0 changed, 193 left.")
        assert terminal.json("people", "--register", SAMPLE) == counts(200, joined=193)
        assert terminal.json("people") == before[0]
        assert terminal.office("people", "--many-leave").status == 1

    def test_a_substitute_acts_for_somebody(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        today = datetime.now(UTC).date()
        days = ("--from", today - timedelta(days=1), "--until", today + timedelta(days=1))
        refused = terminal.office("fire", 1, "approve", "--as", OUTSIDER, "--version", 1, "--for", MANAGER)
        assert refused.status == 1
        said = terminal.office(
            "people", "--substitute", OUTSIDER, "--for", MANAGER, *days, "--role", "manager"
        )
        assert f"{OUTSIDER} stands in for {MANAGER} as manager from" in said.out
        assert said.out in terminal.office("people").out
        [task, _] = terminal.json("queue", "--as", OUTSIDER)["tasks"]
        assert task["on_behalf_of"] == MANAGER
        can = [way["trigger"] for way in terminal.json("show", 1, "--as", OUTSIDER, "--for", MANAGER)["can"]]
        assert "approve" in can
        terminal.json("fire", 1, "approve", "--as", OUTSIDER, "--version", 1, "--for", MANAGER)
        last = terminal.json("show", 1, "--as", CLERK)["request"]["history"][-1]
        assert (last["body"]["actor"], last["body"]["on_behalf_of"]) == (OUTSIDER, MANAGER)

    def test_standing_in_ends_early(self, terminal: Terminal, rows: Path) -> None:
        terminal.json("submit", rows)
        today = datetime.now(UTC).date()
        days = ("--from", today - timedelta(days=3), "--until", today + timedelta(days=3))
        words = ("people", "--substitute", OUTSIDER, "--for", MANAGER, *days)
        terminal.json(*words)
        again = terminal.office(*words)
        assert (again.status, "said before" in again.err) == (1, True)
        assert len(terminal.json("queue", "--as", OUTSIDER)["tasks"]) == 2
        terminal.json("fire", 1, "claim", "--as", OUTSIDER, "--for", MANAGER)
        said = terminal.office("people", "--end-substitute", OUTSIDER, "--for", MANAGER)
        assert said.out == f"{OUTSIDER} no longer stands in for {MANAGER}.\n"
        [held] = terminal.json("queue", "--as", OUTSIDER)["tasks"]  # to give it back; they see nothing of it
        assert (held["request_id"], held["requester_id"], held["lapsed"]) == (1, "", True)
        assert "held by you, lapsed" in terminal.office("queue", "--as", OUTSIDER).out
        assert f"held by {OUTSIDER}, lapsed" in terminal.office("queue", "--as", MANAGER).out
        terminal.json("fire", 1, "release", "--as", OUTSIDER)
        assert terminal.json("queue", "--as", OUTSIDER)["tasks"] == []
        assert terminal.office("fire", 1, "approve", "--as", OUTSIDER, "--for", MANAGER).status == 1
        assert terminal.json("log", "verify")["ok"]
        terminal.json(*words)  # it can be said anew

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--substitute", "P020"], "Standing in needs"),
            (["--role", "clerk"], "Standing in needs"),
            (["P020", "P020", "2026-12-01", "2026-12-02"], "Nobody stands in for themselves."),
            (["P020", "P038", "2026-12-02", "2026-12-01"], "The last day lies before the first."),
            (["P020", "P999", "2026-12-01", "2026-12-02"], "P999 does not work here."),
            (["P020", "P038", "2026-12-01", "2026-12-02", "boss"], "No process has the role 'boss'."),
            (["P020", "P038", "2026-12-01", "2026-12-02", "signer"], "P038 does not have the role 'signer'"),
            (["--end-substitute", "P020"], "Ending needs"),
            (
                ["--end-substitute", "P020", "--for", "P038"],
                "P020 does not stand in for P038, today or later.",
            ),
        ],
    )
    def test_a_substitution_that_makes_no_sense(
        self, words: list[str], message: str, terminal: Terminal
    ) -> None:
        if not words[0].startswith("-"):
            options = ("--substitute", "--for", "--from", "--until", "--role")
            words = [word for pair in zip(options, words, strict=False) for word in pair]
        said = terminal.office("people", *words)
        assert said.status == 1
        assert message in said.err
        assert terminal.json("people")["substitutes"] == []


class TestThroughput:
    @pytest.fixture
    def terminal(self, terminal: Terminal, rows: Path) -> Terminal:
        terminal.json("submit", rows)
        return terminal

    def counted(self, terminal: Terminal, *words: str) -> Any:
        return [row["n"] for row in terminal.json("throughput", *words)["groups"]]

    def test_a_period_holds_its_first_and_last_day(self, terminal: Terminal) -> None:
        today = datetime.now(UTC).date()
        day = timedelta(days=1)
        assert self.counted(terminal, "--from", str(today), "--to", str(today)) == [2]
        assert self.counted(terminal, "--from", str(today + day)) == []
        assert self.counted(terminal, "--to", str(today - day)) == []
        assert self.counted(terminal, "--to", f"{today}T00:00Z") == []
        assert self.counted(terminal, "--key", "team-action-plan") == []

    def test_a_process_that_there_is_not(self, terminal: Terminal) -> None:
        said = terminal.office("throughput", "--key", "no")
        assert said.status == 1
        assert said.err.splitlines() == [
            "paraaf: There is no process 'no'.",
            "        Choose from: employer-declaration, team-action-plan.",
        ]

    def test_it_is_narrowed_and_grouped_as_asked(self, terminal: Terminal) -> None:
        assert self.counted(terminal, "--variant", "A3") == [2]
        assert self.counted(terminal, "--variant", "A0") == []
        [row] = terminal.json("throughput", "--by", "definition")["groups"]
        assert (row["key"], row["n"]) == ("employer-declaration", 2)
        assert self.counted(terminal, "--definition", row["definition"]) == [2]
        months = terminal.json("throughput", "--by", "month")
        assert (months["by"], months["groups"][0]["n"]) == ("month", None)  # two are so few
        said = terminal.office("throughput", "--unit", "nowhere")
        assert said.err.startswith("paraaf: There was no request of the unit 'nowhere'.")

    def test_csv_is_a_line_a_figure(self, terminal: Terminal) -> None:
        head, first, *_ = terminal.office("throughput", "--csv").out.splitlines()
        assert head == "key,variant,figure,unit,n,median,p90,origin,value,low,high"
        assert first == "employer-declaration,A3,started,requests,2,,,measured,,,"

    def test_panels_are_apart_and_costs_follow_the_file_of_the_folder(self, terminal: Terminal) -> None:
        text = terminal.office("throughput", "--per-week", "100").out
        assert "Handling (measured; people alone)" in text
        assert "2 FTE cannot come from handling time" in text
        panels = terminal.json("throughput", "--per-week", "100")["panels"]
        assert panels["leads"][0]["counts"] == {"started": 2, "closed": 0, "open": 2, "withdrawn": 0}
        assert panels["capacity"][0]["handling_min"]["origin"] == "claimed"
        assert panels["costs"] == []
        assert terminal.json("throughput", "--by", "month")["panels"] is None
        by_definition = terminal.json("throughput", "--by", "definition")["panels"]
        assert re.fullmatch("A3 · [0-9a-f]{8}", by_definition["handling"][0]["definition"])
        assert by_definition["score_card"] is None
        assert terminal.json("throughput", "--by", "unit")["panels"] is None
        (terminal.data / "costs.toml").write_text("hourly_rate = 50\n", encoding="utf-8")
        said = terminal.office("throughput").out
        assert "no cost without variants.A3.licence_per_year" in said
        assert terminal.office("throughput", "--per-week", "0").status == 1

    def test_the_report_says_what_the_screen_says(self, terminal: Terminal, tmp_path: Path) -> None:
        file = tmp_path / "report.pdf"
        assert terminal.office("throughput", "--report", file, "--language", "nl").status == 0
        with PdfDocument(file) as pdf:
            every = [" ".join(page.get_textpage().get_text_range().split()) for page in pdf]
        printed = every[0]
        assert "A3: Met een eigen sleutel 2 0 2 0 0" in printed
        assert "Aanvragen per week Minuten per aanvraag" in every[-3]
        assert "Arbeid A0 10 min per aanvraag volgens de bron" in every[-2]
        assert "Of het log kan kloppen (gemeten; wet van Little)" in every[-1]
        assert "0,46 fte van 36 uur per week" in printed
        assert terminal.office("throughput", "--report", file).status == 1
        assert terminal.office("throughput", "--report", file, "--force").status == 0

    def test_a_report_that_cant_be_written_leaves_nothing(self, terminal: Terminal, tmp_path: Path) -> None:
        said = terminal.office("throughput", "--report", tmp_path / "no" / "report.pdf")
        assert said.status == 1
        assert "there is no folder" in said.err


@pytest.mark.slow
def test_a_lost_file_is_given_up_and_told_by_the_exit_status(
    terminal: Terminal, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signer did their part; whoever runs the office has to bring the file back, and any step goes on."""
    terminal.json("submit", rows, "--variant", "A1", "--language", "en")
    terminal.json("fire", 1, "approve", *seen(terminal, MANAGER))
    typed(monkeypatch, SIGNING)
    terminal.office("fire", 1, "approve", *seen(terminal, CLERK), "--data-json", "-")
    work(terminal)
    [file] = (terminal.data / "blobs").glob("*/*")
    content = file.read_bytes()
    file.unlink()
    terminal.json("fire", 1, "sign", *seen(terminal, SIGNER), *accepting(terminal))
    said = terminal.office("worker", "--until-idle")
    assert (said.status, said.out) == (1, "1 given up until a `repair`.\n")
    [incident] = terminal.json("incidents")["incidents"]
    assert (incident["code"], incident["step"]) == ("document-blob-missing", "sign")
    assert "restore the file from a backup" in incident["what_to_do"]
    file.write_bytes(content)
    terminal.json("incidents", "--repair", "--as", CLERK)
    work(terminal)


@pytest.mark.slow
def test_what_has_waited_for_days_is_reminded_of_and_the_queue_says_so(
    terminal: Terminal, rows: Path
) -> None:
    terminal.json("submit", rows)
    with closing(Store.open(terminal.data)) as store, store.write() as session:
        then = datetime.now(UTC) - timedelta(days=30)
        session.execute(update(Task).values(offered_at=then, due_at=then + timedelta(days=2)))
    said = terminal.office("worker", "--until-idle")
    assert (said.status, said.out) == (0, "2 reminded, 2 escalated.\n")
    lines = terminal.office("queue", "--as", MANAGER).out.splitlines()
    assert [line for line in lines if "late, escalated" in line] == lines[1:3]
