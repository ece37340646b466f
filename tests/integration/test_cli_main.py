"""The `paraaf` command itself: help at once, wrong calls, errors; docs/command-line.md says what it takes."""

import argparse
import errno
import io
import json
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cli import folder
from cli.main import COMMANDS, main, parser
from documents.register import SAMPLE
from tests.command_line import DOCS, Terminal, section_of
from workflow import office


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path / "data", capsys)


def options_of(command: str) -> set[str]:
    [subparsers] = _subparsers_of(parser(command))
    return _options_of(subparsers.choices[command])


def _subparsers_of(parsed: argparse.ArgumentParser) -> list["argparse._SubParsersAction[Any]"]:
    return [action for action in parsed._actions if isinstance(action, argparse._SubParsersAction)]


def _options_of(parsed: argparse.ArgumentParser) -> set[str]:
    """Its options, and those of the verbs below it."""
    below = [verb for subparsers in _subparsers_of(parsed) for verb in subparsers.choices.values()]
    own = {option for action in parsed._actions for option in action.option_strings}
    return own.union(*map(_options_of, below))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_docs_have_every_option(command: str) -> None:
    told = section_of(command) + DOCS.partition("\n## ")[0]
    assert not [option for option in options_of(command) if not re.search(rf"{option}(?![\w-])", told)]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_docs_have_no_other_option(command: str) -> None:
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", re.sub(r"\]\([^)]*\)", "", section_of(command))))
    assert not told - options_of(command)


def test_the_docs_have_every_command_in_a_section_of_its_own() -> None:
    assert set(re.findall(r"^## paraaf ([a-z-]+)$", DOCS, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_what_a_command_is_for(command: str, terminal: Terminal) -> None:
    said = terminal(command, "--help")
    assert said.status == 0
    assert said.out.startswith(f"usage: paraaf {command}")


def test_help_names_every_command_and_imports_none(terminal: Terminal) -> None:
    code = (
        "import sys; from cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'aiohttp', 'pyhanko', 'reportlab', 'pydantic'} & sys.modules.keys()\n"
        "sys.exit(repr(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command, summary in COMMANDS.items():
        assert re.search(rf"^  {command} +{re.escape(summary)}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["qeue"],
        ["queue"],
        ["queue", "--as", "P001", "--lim", "3"],  # an option cut short
        ["queue", "--as", "P001", "--limit", "0"],
        ["fire", "1", "approve", "--as", "P001", "--fact", "signed_on"],
        ["throughput", "--from", "yesterday"],
        ["export", "everything", "-o", "log.jsonl"],
        ["export", "events"],
        ["log", "anchor", "--seal", "--timestamp"],
        ["log", "verify", "--anchor", "no such file"],
        ["throughput", "--json", "--csv"],
        ["sign", "a.pdf", "-o", "b.pdf", "--profile", "approver", "--box", "0,1,1,10,10"],
        ["people", "--from", "1 December"],
        ["serve", "--port", "seventy"],
    ],
)
def test_a_wrong_call_is_2(words: list[str], terminal: Terminal) -> None:
    said = terminal(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("usage: paraaf")


@pytest.mark.parametrize(
    "words",
    [
        ["queue", "--as", "P001"],
        ["show", "1", "--as", "P001"],
        ["fire", "1", "claim", "--as", "P001"],
        ["submit", "rows.csv"],
        ["people"],
        ["throughput"],
        ["worker", "--until-idle"],
        ["serve"],
        ["log", "anchor"],
        ["export", "events", "-o", "log.jsonl"],
    ],
)
def test_a_mistyped_folder_is_no_empty_office(words: list[str], terminal: Terminal) -> None:
    said = terminal.office(words[0], *words[1:])
    assert said.status == 1
    first, second = said.err.splitlines()
    assert first == f"paraaf: There is no office in the folder {terminal.data} yet."
    assert "--data" in second
    assert not terminal.data.exists()


def test_the_version(terminal: Terminal) -> None:
    said = terminal("--version")
    assert said.status == 0
    assert re.fullmatch(r"paraaf \d+\.\d+\.\d+\n", said.out)


def test_a_demo_where_nothing_may_be_written(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = terminal("demo", "--data", tmp_path / "file" / "data")
    assert said.status == 1
    assert said.err.startswith(f"paraaf: The folder {tmp_path / 'file' / 'data'} can't be made: ")
    said = terminal.office("demo", "--out", tmp_path / "file")
    assert said.status == 1
    assert said.err.startswith(f"paraaf: The folder {tmp_path / 'file' / 'trust'} can't be made: ")


def test_the_folder_may_come_from_the_environment(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARAAF_DATA", str(tmp_path / "elsewhere"))
    assert str(tmp_path / "elsewhere") in terminal("people").err


def test_an_error_as_json_is_one_document_on_standard_output(terminal: Terminal) -> None:
    said = terminal.office("queue", "--as", "P001", "--json")
    assert (said.status, said.err) == (1, "")
    assert said.json["error"]["code"] == "command-no-office"
    assert set(said.json["error"]) == {"code", "message", "hint"}


def test_the_register_is_where_the_office_looks_for_it() -> None:
    assert folder.REGISTER_FILE == office.REGISTER_FILE


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m cli.main definitions show | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_main_reads_the_real_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["paraaf", "definitions", "check"])
    assert main() == 0
    assert "employer-declaration A3" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_no_encoding_of_a_terminal_stops_a_command(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and arrows that a terminal can't show are escaped; JSON stays JSON."""
    register = tmp_path / "register.csv"
    register.write_text(SAMPLE.read_text().replace("H. Voorbeeld-Esdoorn", "Č. Voorbeeld-Żółw"))

    def said(*words: str | Path) -> tuple[int, bytes, bytes]:
        with ExitStack() as stack, monkeypatch.context() as patch:
            shown = {name: io.BytesIO() for name in ("stdout", "stderr")}
            for name, held in shown.items():
                terminal = stack.enter_context(io.TextIOWrapper(held, encoding=encoding))
                patch.setattr(sys, name, terminal)
            status = main([*map(str, words), "--data", str(tmp_path / "data")])
            sys.stdout.flush()
            sys.stderr.flush()
            return status, shown["stdout"].getvalue(), shown["stderr"].getvalue()

    assert said("people", "--register", register)[0] == 0
    status, listed, errors = said("people")
    assert (status, errors) == (0, b"")
    assert b"\\u017b" in listed
    assert json.loads(said("people", "--json")[1])["people"][0]["name"] == "Č. Voorbeeld-Żółw"
    status, _, refused = said("queue", "--as", "Ż")
    assert status == 1
    assert b"is not known here" in refused


def test_what_the_disk_refuses_is_one_clear_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_args: argparse.Namespace) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cli.people.run", full)
    said = terminal("people")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("paraaf: The system refuses it: No space left on device.")
    assert json.loads(terminal("people", "--json").out)["error"]["code"] == "command-disk"
    assert "See that there is room" in said.err


def test_what_is_not_reached_is_told_as_that(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreached(_args: argparse.Namespace) -> int:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    monkeypatch.setattr("cli.people.run", unreached)
    assert "room" not in terminal("people").err
