"""`paraaf tokens`: made once, listed without themselves, revoked; as docs/command-line.md says of it."""

from pathlib import Path

import pytest

from documents.register import SAMPLE
from tests.command_line import Terminal, keys_of, section_of
from workflow.tokens import SCOPES, is_formed

PASSWORD = "plainly a sample password"


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("PARAAF_DATA", str(tmp_path / "data"))
    terminal = Terminal(tmp_path / "data", capsys)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    terminal("people", "--register", SAMPLE)
    terminal("people", "password", "P020", "--as", "P020", "--file", tmp_path / "password")
    return terminal


def make(terminal: Terminal, *more: str) -> list[str | Path]:
    password = terminal.data.parent / "password"
    return ["make", "nightly", "--as", "P020", "--scope", "verify", "--password-file", password, *more]


def test_a_token_is_printed_once(terminal: Terminal) -> None:
    said = terminal("tokens", *make(terminal))
    token = said.out.splitlines()[0]
    assert said.status == 0
    assert is_formed(token)
    listed = terminal("tokens", "list")
    assert token not in listed.out
    assert "nightly" in listed.out
    assert "never" in listed.out


def test_a_wrong_password_makes_none(terminal: Terminal) -> None:
    (terminal.data.parent / "password").write_text("some other password")
    said = terminal("tokens", *make(terminal))
    assert said.status == 1
    assert "no such password" in said.err
    assert terminal("tokens", "list").out == "There are no tokens.\n"


def test_a_token_is_revoked(terminal: Terminal) -> None:
    terminal("tokens", *make(terminal))
    refused = terminal("tokens", "revoke", 1, "--as", "P019")
    assert refused.status == 1
    assert "no token 1 that P019 may revoke" in refused.err
    assert terminal("tokens", "revoke", 1, "--as", "P020").out == "Token 1 of P020 can't be used any more.\n"
    assert "revoked" in terminal("tokens", "list", "--as", "P020").out
    assert terminal("tokens", "list", "--as", "P019").out == "There are no tokens.\n"


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--days", "367"], ["--days", "x"], ["--scope", "all"]])
def test_a_wrong_call_is_told_as_one(terminal: Terminal, wrong: list[str]) -> None:
    assert terminal("tokens", *make(terminal, *wrong)).status == 2


def test_keys_of_json_are_in_the_docs(terminal: Terminal) -> None:
    made = terminal("tokens", *make(terminal), "--json").json
    listed = terminal("tokens", "list", "--json").json
    revoked = terminal("tokens", "revoke", 1, "--as", "P020", "--json").json
    for key in {*keys_of(made), *keys_of(listed), *keys_of(revoked)}:
        assert f"`{key}`" in section_of("tokens"), key


def test_scopes_are_in_the_docs() -> None:
    assert [scope for scope in SCOPES if f"`{scope}`" in section_of("tokens")] == list(SCOPES)
