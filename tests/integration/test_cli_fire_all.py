"""The same with many requests at the command line: each has its result, and one password is for all."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from tests.command_line import Terminal
from tests.databases import Database
from tests.proving import PASSWORD
from tests.steps_office import CLERK, SIGNER, Sample


@pytest.fixture
def sample(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, capsys)


def waiting(sample: Sample, variant: str, count: int) -> list[int]:
    numbers = [sample.submit(variant) for _ in range(count)]
    for number in numbers:
        asyncio.run(sample.run_until("sign", number))
    return numbers


def tasks(terminal: Terminal, file: Path) -> Path:
    file.write_text(json.dumps(terminal.json("queue", "--as", SIGNER), default=str))
    return file


def test_many_are_released_and_one_that_changed_stops_no_other(
    sample: Sample, terminal: Terminal, tmp_path: Path
) -> None:
    numbers = waiting(sample, "A4", 3)
    file = tasks(terminal, tmp_path / "tasks.json")
    sample.do("claim", SIGNER, numbers[1])  # its version is another one now
    at_review = sample.submit("A4")
    asyncio.run(sample.run_until("review", at_review))
    said = terminal.office("fire-all", "release_seal", "--as", SIGNER, "--tasks", file)
    assert (said.status, said.out) == (1, "release_seal: done with 2 requests; 1 request refused.\n")
    assert f"Request {numbers[1]}: not done." in said.err
    assert [sample.request(number).state for number in numbers] == ["sealing", "sign", "sealing"]

    again = terminal.office("fire-all", "release_seal", "--as", SIGNER, "--tasks", tasks(terminal, file))
    assert (again.status, again.out) == (0, "release_seal: done with 1 request.\n")


def test_a_repeat_under_its_key_does_nothing_twice(
    sample: Sample, terminal: Terminal, tmp_path: Path
) -> None:
    numbers = waiting(sample, "A4", 2)
    words = (
        "release_seal",
        "--as",
        SIGNER,
        "--tasks",
        tasks(terminal, tmp_path / "t.json"),
        "--key",
        "monday",
    )
    first = terminal.json("fire-all", *words)
    assert [one["answer"]["repeated"] for one in first["results"]] == [False, False]
    events = len(sample.office.engine.show(numbers[0], "P192").history)
    second = terminal.json("fire-all", *words)
    assert [one["answer"]["repeated"] for one in second["results"]] == [True, True]
    assert len(sample.office.engine.show(numbers[0], "P192").history) == events


def test_tasks_of_other_states_are_left_out(sample: Sample, terminal: Terminal, tmp_path: Path) -> None:
    waiting(sample, "A4", 1)
    asyncio.run(sample.run_until("review", sample.submit("A4")))
    file = tmp_path / "tasks.json"
    both = [*terminal.json("queue", "--as", SIGNER)["tasks"], *terminal.json("queue", "--as", CLERK)["tasks"]]
    file.write_text(json.dumps({"tasks": both}))
    told = terminal.json("fire-all", "release_seal", "--as", SIGNER, "--tasks", file)
    assert (len(told["results"]), told["left_out"]) == (1, 1)


def test_one_password_is_for_all(sample: Sample, terminal: Terminal, tmp_path: Path) -> None:
    numbers = waiting(sample, "A1", 2)
    password = tmp_path / "password"
    password.write_text(PASSWORD.reveal())
    assert terminal.office("people", "password", SIGNER, "--as", SIGNER, "--file", password).status == 0
    words = ("--as", SIGNER, "--tasks", tasks(terminal, tmp_path / "tasks.json"), "--consent")
    claimed = terminal.office("fire-all", "claim", *words, "--password-file", tmp_path / "not-asked")
    assert claimed.status == 0, "where no text is accepted, no password is taken"
    words = ("sign", "--as", SIGNER, "--tasks", tasks(terminal, tmp_path / "tasks.json"), "--consent")
    without = terminal.office("fire-all", *words, "--json")
    assert without.status == 1
    assert {one["error"]["reasons"][0]["code"] for one in without.json["results"]} == {"proof-missing"}
    assert terminal.office("fire-all", *words, "--password-file", password).status == 0
    assert {sample.request(number).state for number in numbers} == {"sealing"}


def test_what_nobody_may_is_refused_for_each(sample: Sample, terminal: Terminal, tmp_path: Path) -> None:
    [number] = waiting(sample, "A4", 1)
    file = tasks(terminal, tmp_path / "tasks.json")
    said = terminal.office("fire-all", "release_seal", "--as", CLERK, "--tasks", file)
    assert said.status == 1
    assert sample.request(number).state == "sign"
    listed = json.loads(file.read_text())
    listed["tasks"][0]["request_id"] = 999
    file.write_text(json.dumps(listed))
    said = terminal.office("fire-all", "release_seal", "--as", SIGNER, "--tasks", file)
    assert (said.status, "Request 999: not done." in said.err) == (1, True)


NO_TASKS = (
    "",
    "[]",
    "{}",
    '{"tasks": 1}',
    '{"tasks": [1]}',
    '{"tasks": [{"request_id": true}]}',
    "[" * 100_000,
)


@pytest.mark.parametrize("text", NO_TASKS, ids=range(len(NO_TASKS)))
def test_what_is_no_list_of_tasks_is_told(
    terminal: Terminal, sample: Sample, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "tasks.json"
    file.write_text(text)
    said = terminal.office("fire-all", "release_seal", "--as", SIGNER, "--tasks", file)
    assert said.status != 0
    assert "Give what `paraaf queue --as WHO --json` printed." in said.err
