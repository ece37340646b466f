"""The units and the compose file say what the program understands: commands, settings, files."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.main import COMMANDS, parser
from workflow.retention import CLEANED
from workflow.store import Store

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HOW_TO = ROOT / "docs" / "how-to"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OURS = [unit for unit in UNITS if unit.name != "paraaf-clean.service"]
PAGES = [HOW_TO / "run-on-postgresql.md", HOW_TO / "run-with-compose.md"]
FILES = [*UNITS, *PAGES, DEPLOY / "compose.yaml", DEPLOY / "Dockerfile"]


@pytest.mark.parametrize("unit", OURS, ids=lambda unit: unit.name)
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
    shown = re.findall(
        r"^    (?:.* exec serve paraaf|paraaf|paraaf-office) (\w+)", page.read_text(), re.MULTILINE
    )
    assert shown
    assert set(shown) <= set(COMMANDS)


def in_order(page: str, *parts: str) -> bool:
    """Whether the lines to be typed have these parts, the first of each in this order."""
    lines = re.findall(r"^    (.+)$", (HOW_TO / page).read_text(), re.MULTILINE)
    found = [next(number for number, line in enumerate(lines) if part in line) for part in parts]
    return found == sorted(found)


def test_an_office_gets_its_people_before_anything_works_in_it() -> None:
    """Without keys `serve` and workers end at once; made by root, the service could not read them."""
    assert in_order("run-with-compose.md", "people --register", "docker compose up", "exec serve paraaf")
    steps = ("useradd", "start paraaf-upgrade", "paraaf-office people --register", "paraaf-worker@1")
    assert in_order("run-on-postgresql.md", *steps)
    assert in_order("run-on-postgresql.md", "useradd", "people --register")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_settings_are_those_of_the_docs(file: Path) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    named = set(re.findall(r"\bPARAAF_[A-Z_]+\b", file.read_text()))
    assert not [name for name in named if f"`{name}`" not in settings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_points_to_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    """All of them together; the programs they run need not be installed here."""
    for file in [*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.t*")]:
        text = re.sub(
            r"^(ExecStart=)/(opt/paraaf|usr)/bin/\S+", r"\1/bin/true", file.read_text(), flags=re.MULTILINE
        )
        (tmp_path / file.name).write_text(text)
    shutil.copytree(DEPLOY / "systemd" / "paraaf-.service.d", tmp_path / "paraaf-.service.d")
    names = [file.name for file in sorted(tmp_path.glob("*.*")) if file.is_file()]
    units = [name.replace("@.", "@1.") for name in names]
    verify = ["systemd-analyze", "verify", "--man=no", *units]
    environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    said = subprocess.run(verify, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert [line for line in said.stderr.splitlines() if "paraaf" in line] == []


def test_what_runs_for_hand_runs_as_the_units_do() -> None:
    """The same user, settings and program, whoever types."""
    text = (DEPLOY / "systemd" / "paraaf-office").read_text()
    unit = (DEPLOY / "systemd" / "paraaf-worker@.service").read_text()
    for name, option in (
        ("User", "--uid"),
        ("Group", "--gid"),
        ("EnvironmentFile", "--property=EnvironmentFile"),
    ):
        [value] = re.findall(rf"^{name}=(.+)$", unit, re.MULTILINE)
        assert f"{option}={value}" in text
    assert '/opt/paraaf/bin/paraaf "$@"' in text


def test_an_upgrade_stops_what_works_and_starts_it_again() -> None:
    folder = DEPLOY / "systemd"
    assert "OnSuccess=paraaf.target" in (folder / "paraaf-upgrade.service").read_text()
    for name in ("paraaf-serve.service", "paraaf-worker@.service"):
        text = (folder / name).read_text()
        assert re.search(r"^After=.*paraaf-upgrade\.service", text, re.MULTILINE)
        assert "Conflicts=paraaf-upgrade.service" in text
        assert "WantedBy=paraaf.target" in text


def test_the_nightly_statement_is_the_programs_own() -> None:
    statement = Store("postgresql+psycopg://u@h/d").cleaning(CLEANED)
    said = (DEPLOY / "clean.sql").read_text()
    assert said.index("SET lock_timeout = '5s';\n") < said.index(f"\n{statement};\n")


def test_the_image_has_the_tools_of_the_server_it_works_with() -> None:
    [client] = re.findall(r"^ARG POSTGRESQL=(\d+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    [server] = re.findall(r"image: postgres:(\d+)-", (DEPLOY / "compose.yaml").read_text())
    assert client == server
    assert "postgresql-client-${POSTGRESQL}" in (DEPLOY / "Dockerfile").read_text()


def test_what_an_installation_leaves_is_ignored() -> None:
    assert "/build/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "build" in (ROOT / ".dockerignore").read_text().splitlines()


def test_passwords_do_not_get_into_the_image() -> None:
    assert "**/.env" in (ROOT / ".dockerignore").read_text().splitlines()
