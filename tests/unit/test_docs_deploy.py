"""The units and the compose file say what the program understands: commands, settings, files."""

import re
from pathlib import Path

import pytest

from cli.main import COMMANDS, parser

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HOW_TO = ROOT / "docs" / "how-to"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGES = [HOW_TO / "run-on-postgresql.md", HOW_TO / "run-with-compose.md"]
FILES = [*UNITS, *PAGES, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_there_is(unit: Path) -> None:
    [words] = re.findall(r"^ExecStart=/opt/paraaf/bin/paraaf (.+)$", unit.read_text(), re.MULTILINE)
    parser(words.split()[0]).parse_args(words.split())


def test_the_compose_file_runs_commands_that_there_are() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    commands = re.findall(r'^    command: \["(\w+)"\]$', text, re.MULTILINE)
    assert sorted(commands) == ["serve", "upgrade", "worker"]
    for command in commands:
        parser(command).parse_args([command])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_commands_that_there_are(page: Path) -> None:
    shown = re.findall(r"^    (?:.* exec serve )?paraaf (\w+)", page.read_text(), re.MULTILINE)
    assert shown
    assert set(shown) <= set(COMMANDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_settings_are_those_of_the_docs(file: Path) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    named = set(re.findall(r"\bPARAAF_[A-Z_]+\b", file.read_text()))
    assert not [name for name in named if f"`{name}`" not in settings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_points_to_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_passwords_do_not_get_into_the_image() -> None:
    assert "**/.env" in (ROOT / ".dockerignore").read_text().splitlines()
