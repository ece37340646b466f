"""docs/api.md: what its walk types works, in its order, and answers as the page says; its lists are true."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from documents.register import SAMPLE
from web.api import commands, exchange, files, guard, keeping, office, people, queue, requests
from web.api.commands import KEY_FORM
from web.api.files import FILES, LOOK_UPS
from web.api.keeping import CHECKS, EXPORTS
from web.api.problems import kinds
from workflow.tokens import CHECKSUM, LONGEST, MOST, RANDOM, SCOPES, USUAL

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
WALK = GUIDE.split("## A walk through it")[1].split("\n## ")[0]
TYPED = re.findall(r"^    (.+)$", WALK, re.MULTILINE)
SERVED = "http://127.0.0.1:8420"
PASSWORD = "plainly a sample password"


class Shell:
    """Types lines in a folder."""

    def __init__(self, folder: Path, url: str, paraaf: Path) -> None:
        self._folder, self._url = folder, url
        path = f"{paraaf.parent}:{os.environ['PATH']}"
        self._environ = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(folder), "LANG": "C.UTF-8"}

    def __call__(self, line: str) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line.replace(SERVED, self._url)],
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, paraaf: Path) -> list[tuple[str, str]]:
    """Every line that is typed, with what is printed."""
    folder = tmp_path_factory.mktemp("walk")
    (folder / "hr_register.csv").write_bytes(SAMPLE.read_bytes())
    (folder / "password.txt").write_text(PASSWORD)
    beginning = TYPED.index("paraaf serve")
    printed = [(line, Shell(folder, SERVED, paraaf)(line)) for line in TYPED[:beginning]]
    with serving(folder) as url:
        return [*printed, *((line, Shell(folder, url, paraaf)(line)) for line in TYPED[beginning + 1 :])]


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The office in a folder, by `paraaf serve` at a free port: its address."""
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--data", str(folder / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        found = (re.search(r"metrics and health at (http://\S+)", line) for line in serve.stdout)
        try:
            yield next(one[1] for one in found if one)
        finally:
            serve.terminate()


def answers(said: list[tuple[str, str]], part: str) -> list[str]:
    """What was printed to the lines that have this in them."""
    return [printed for line, printed in said if part in line]


def test_the_walk_is_typed_as_it_stands(said: list[tuple[str, str]]) -> None:
    assert "paraaf serve" in TYPED
    assert len(said) == len(TYPED) - 1 > 25


def test_a_request_is_handed_in_once(said: list[tuple[str, str]]) -> None:
    first, again = answers(said, '"declaration-1"')
    assert json.loads(first)["request"] == 1
    assert "idempotency-replayed: true" in again
    assert again.endswith(first)


def test_the_manager_finds_it_looks_at_it_and_approves(said: list[tuple[str, str]]) -> None:
    queue, _ = answers(said, "/queue")
    assert [task["request_id"] for task in json.loads(queue)["tasks"]] == [1]
    shown = answers(said, "/requests/1")[0]
    assert 'etag: "1"' in shown
    assert "approve" in [one["trigger"] for one in json.loads(shown.splitlines()[-1])["can"]]
    [approved] = answers(said, '"approve-1"')
    assert approved.startswith("HTTP/1.1 200")
    assert json.loads(approved.splitlines()[-1])["state"] == "review"
    [refused] = answers(said, '"approve-2"')
    assert json.loads(refused)["reasons"]


def test_many_have_a_result_each(said: list[tuple[str, str]]) -> None:
    [many] = answers(said, '"many-1"')
    assert [one["status"] for one in json.loads(many)["results"]] == [422, 404]


def test_it_ends_with_a_sealed_declaration(said: list[tuple[str, str]]) -> None:
    [claimed] = answers(said, '"next-1"')
    assert json.loads(claimed)["claimed"]["version"] == 3
    assert [json.loads(answers(said, key)[0])["state"] for key in ('"complete-1"', '"release-1"')] == [
        "rendering",
        "sealing",
    ]
    [told] = answers(said, "/verify")
    verdict = json.loads(told)
    assert (verdict["indication"], verdict["register"]["standing"]) == ("TOTAL-PASSED", "issued")
    [timing] = answers(said, "/timing")
    assert [one["state"] for one in json.loads(timing)["stretches"]] == ["manager", "review", "sign"]


def test_a_revoked_token_is_none(said: list[tuple[str, str]]) -> None:
    before, after = answers(said, "/me")
    assert json.loads(before)["id"] == "P022"
    assert json.loads(after)["code"] == "web-token-unfit"


def test_scopes_are_those_of_the_code() -> None:
    assert re.findall(r"^\| `([a-z:]+)` \|", GUIDE, re.MULTILINE) == list(SCOPES)


def test_limits_are_those_of_the_code() -> None:
    assert f"{RANDOM + CHECKSUM} letters and digits, of which the last {CHECKSUM}" in GUIDE
    assert f"good for {USUAL.days} days, or as `--days` says ({LONGEST.days} at most)" in GUIDE
    assert f"A person has {MOST} at most" in GUIDE
    assert f"ask {guard.USES.count} times at once" in GUIDE
    assert f"of files {FILES.count} in ten minutes, of look-ups in the register {LOOK_UPS.count}" in GUIDE
    assert f"{guard.FAILURES.count} times a minute" in GUIDE
    assert {CHECKS.count, EXPORTS.count} == {6}
    assert "of checks and exports of the log 6 each" in GUIDE
    assert "{1,128}" in KEY_FORM
    assert "1 to 128" in GUIDE


def test_every_operation_is_in_the_table_of_what_there_is() -> None:
    table = GUIDE.split("## What there is\n")[1].split("\n## ")[0].replace("…/", "/requests/N/")
    rooms = (commands, exchange, files, keeping, office, people, queue, requests)
    paths = {str(route.path) for room in rooms for route in room.router.routes}  # type: ignore[attr-defined]
    names = {"{number}": "N", "{webhook}": "N", "{name}": "NAME", "{what}": "WHAT", "{hold}": "HOLD"}
    for old, new in {**names, "{sha256}": "SHA256", "{code}": "CODE"}.items():
        paths = {path.replace(old, new) for path in paths}
    assert not [path for path in paths - {"/"} if path not in table]


def test_codes_that_are_named_are_there() -> None:
    assert set(re.findall(r"`((?:web|workflow)-[a-z-]+)`", GUIDE)) <= set(kinds())
