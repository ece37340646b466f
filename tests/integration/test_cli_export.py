"""The log leaves the office and is judged elsewhere: export, anchor, verify, as people type them."""

import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

import pytest

from audit import verify_log
from cli.folder import TRUST_FILE
from cli.main import main
from documents.register import SAMPLE
from tests.anchored_log import append, new_store
from tests.command_line import Terminal
from workflow.logexport import Export
from workflow.store import Store

ROOT = Path(__file__).resolve().parents[2]
ROWS = "person_id;reference\nP024;R-1\nP040;R-2\n"


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two requests have been handed in; one head is timestamped."""
    folder = tmp_path_factory.mktemp("staffed")
    rows = folder / "rows.csv"
    rows.write_text(ROWS)
    data = folder / "data"
    assert main(["people", "--register", str(SAMPLE), "--data", str(data)]) == 0
    assert main(["submit", str(rows), "--data", str(data)]) == 0
    assert main(["log", "anchor", "--data", str(data)]) == 0
    assert main(["fire", "1", "claim", "--as", "P006", "--data", str(data)]) == 0
    return data


@pytest.fixture
def terminal(staffed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    terminal = Terminal(tmp_path / "data", capsys)
    terminal.copy_of(staffed)
    return terminal


@pytest.fixture
def export(terminal: Terminal, tmp_path: Path) -> Path:
    file = tmp_path / "log.jsonl"
    assert terminal.office("export", "events", "-o", file).status == 0
    return file


def root(terminal: Terminal) -> Path:
    return terminal.data / TRUST_FILE


def test_an_export_holds_what_it_says(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    said = terminal.json("export", "events", "-o", file)
    assert (said["events"], said["anchors"], said["with_bodies"]) == (3, 1, False)
    lines = file.read_text().splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == ["paraaf", "anchor", *["event"] * 3]
    assert said["sha256"] == sha256(file.read_bytes()).hexdigest()
    assert terminal.office("log", "verify").out.split("head ")[1].startswith(said["head"])


def test_without_bodies_nobody_is_named(terminal: Terminal, export: Path, tmp_path: Path) -> None:
    text = export.read_text()
    assert not [name for name in ("P024", "P040", "P006", "R-1") if name in text]
    full = tmp_path / "full.jsonl"
    assert terminal.office("export", "events", "-o", full, "--with-bodies").status == 0
    assert "P024" in full.read_text()
    assert stat.S_IMODE(full.stat().st_mode) == 0o600


def test_a_file_that_is_there_stays(terminal: Terminal, export: Path) -> None:
    before = export.read_bytes()
    said = terminal.office("export", "events", "-o", export)
    assert (said.status, "is there already" in said.err) == (1, True)
    assert export.read_bytes() == before
    assert terminal.office("export", "events", "-o", export, "--force").status == 0


def test_an_export_that_fails_leaves_nothing(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    folder = tmp_path / "exports"
    folder.mkdir()
    said = terminal.office("export", "events", "-o", folder / "log.jsonl")
    assert (said.status, "Input/output error" in said.err) == (1, True)
    assert not list(folder.iterdir())


def test_an_export_is_judged(terminal: Terminal, export: Path) -> None:
    said = terminal("log", "verify", export, "--trust", root(terminal))
    first, anchored, tail, last = said.out.splitlines()
    assert said.status == 0
    assert first.startswith("3 events, no personal parts exported; head 3:")
    assert anchored.startswith("events 1–2: timestamped by CN=Timestamp authority (development)")
    assert tail == "event 3: not anchored yet"
    assert last.startswith("The log holds. Events from 3 on are not under a trusted anchor")
    found = terminal.json("log", "verify", export, "--trust", root(terminal))
    assert (found["ok"], found["anchored_to"]) == (True, 2)


def test_without_trust_nobody_vouches(terminal: Terminal, export: Path) -> None:
    said = terminal("log", "verify", export)
    assert (said.status, "nobody vouches for that signer" in said.out) == (0, True)
    assert "Events from 1 on are not under a trusted anchor" in said.out


def test_with_a_seal_all_is_anchored(terminal: Terminal, tmp_path: Path) -> None:
    sealed = terminal.json("log", "anchor", "--seal")
    assert (sealed["kind"], sealed["file"]) == ("seal", None)
    file = tmp_path / "log.jsonl"
    terminal.office("export", "events", "-o", file)
    said = terminal("log", "verify", file, "--trust", root(terminal))
    assert "event 3: sealed by CN=" in said.out
    assert "(the time is the office's word)" in said.out
    assert said.out.endswith("The log holds, and all of it is anchored.\n")
    assert "2 anchors, over everything." in terminal.office("log", "verify").out


def test_a_tampered_export_is_1(terminal: Terminal, export: Path) -> None:
    export.write_bytes(export.read_bytes().replace(b'"task":2', b'"task":7'))
    said = terminal("log", "verify", export, "--trust", root(terminal))
    assert said.status == 1
    assert "event 2: anchor: It is not the event that its anchor names." in said.out
    assert said.out.endswith("The log does not hold, from event 2 on.\n")
    found = terminal("log", "verify", export, "--json")
    assert (found.status, found.json["ok"], found.json["first_bad_seq"]) == (1, False, 2)


def test_anchors_kept_outside_count(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.setenv("PARAAF_ANCHORS", str(outside))
    made = terminal.json("log", "anchor")
    assert {str(file) for file in outside.iterdir()} > {made["file"]}  # the earlier one too
    file = tmp_path / "log.jsonl"
    terminal.office("export", "events", "-o", file)
    lines = [line for line in file.read_bytes().splitlines(keepends=True) if b'{"anchor"' not in line]
    file.write_bytes(b"".join(lines).replace(b'"anchors":2', b'"anchors":0'))
    assert terminal("log", "verify", file, "--trust", root(terminal)).status == 0
    said = terminal("log", "verify", file, "--trust", root(terminal), "--anchor", made["file"])
    assert said.out.endswith("The log holds, and all of it is anchored.\n")
    file.write_bytes(file.read_bytes().replace(b'"variant":"A3"', b'"variant":"A4"'))
    assert terminal("log", "verify", file, "--anchor", made["file"]).status == 1
    assert terminal("log", "verify", file, "--anchor", made["head"]).status == 1


def test_the_office_reads_the_anchors_outside(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log and the anchors in the database are another's, well made; the file outside is not."""
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.setenv("PARAAF_ANCHORS", str(outside))
    terminal.office("log", "anchor")
    assert terminal.office("log", "verify").status == 0
    for file in terminal.data.glob("paraaf.sqlite3*"):
        file.unlink()
    store = new_store(terminal.data)
    append(store, 3)
    store.close()
    said = terminal.office("log", "verify")
    assert said.status == 1
    assert "event 3: anchor: It is not the event that an anchor names." in said.out


def test_a_file_that_is_no_export_is_no_verdict(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(ROWS)
    said = terminal("log", "verify", file)
    assert (said.status, said.out) == (2, "")
    assert "is no export of the event log" in said.err
    assert "command-evidence" in terminal("log", "verify", file, "--json").out


def test_a_folder_of_anchors_is_taken(
    terminal: Terminal, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    assert terminal("log", "verify", export, "--anchor", outside).status == 2  # nothing is in it
    monkeypatch.setenv("PARAAF_ANCHORS", str(outside))
    assert terminal.office("log", "verify").status == 0  # where the office may write, nothing need be yet
    terminal.office("log", "anchor")
    assert len(list(outside.iterdir())) == 2
    said = terminal("log", "verify", export, "--trust", root(terminal), "--anchor", outside)
    assert (said.status, "event 3: timestamped" in said.out) == (0, True)
    assert terminal.office("log", "verify", "--anchor", outside).status == 0
    monkeypatch.setenv("PARAAF_ANCHORS", str(tmp_path / "lost-mount"))
    said = terminal.office("log", "verify")
    assert (said.status, "lost-mount" in said.err) == (2, True)


def test_times_and_numbers_are_for_people(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.office("log", "anchor").out
    assert re.match(r"Timestamped at \d{4}-\d\d-\d\d \d\d:\d\d UTC: head 3:", said)
    assert re.fullmatch(r"[0-9T:.-]+Z", terminal.json("log", "anchor", "--seal")["made_at"])
    terminal.office("fire", "2", "claim", "--as", "P006")
    assert "3 anchors; not anchored yet: event 4." in terminal.office("log", "verify").out
    said = terminal.office("export", "events", "-o", tmp_path / "log.jsonl").out
    assert said.startswith("4 events and 3 anchors in ")


def test_one_is_one(terminal: Terminal, export: Path) -> None:
    assert "1 anchor; not anchored yet: event 3." in terminal.office("log", "verify").out
    assert "3 events and 1 anchor in" in terminal.office("export", "events", "-o", export, "--force").out


@pytest.mark.parametrize("option", ["--trust", "--anchor"])
def test_what_is_no_certificate_or_anchor_is_told(terminal: Terminal, export: Path, option: str) -> None:
    said = terminal("log", "verify", export, option, export)
    assert (said.status, said.out) == (2, "")
    assert str(export) in said.err


def test_an_export_that_is_not_there_is_told(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal("log", "verify", tmp_path / "nothing.jsonl")
    assert said.status == 2
    assert "nothing.jsonl can't be read" in said.err


def test_the_verifier_runs_alone(terminal: Terminal, export: Path, tmp_path: Path) -> None:
    """A copy of one file, isolated from everything of ours."""
    alone = tmp_path / "alone" / "verify_log.py"
    alone.parent.mkdir()
    copyfile(ROOT / "audit" / "verify_log.py", alone)
    guard = (
        "import runpy, sys\n"
        "sys.path[:] = [entry for entry in sys.path if 'site-packages' in entry or 'python3' in entry]\n"
        "sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in repr(one)]\n"
        "import importlib.util; assert importlib.util.find_spec('workflow') is None\n"
        f"sys.argv = {['verify_log.py', str(export), '--trust', str(root(terminal)), '--json']!r}\n"
        f"runpy.run_path({str(alone)!r}, run_name='__main__')\n"
    )
    command = [sys.executable, "-I", "-c", guard]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=alone.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        json.loads(done.stdout) == terminal("log", "verify", export, "--trust", root(terminal), "--json").json
    )


def test_the_verifier_tells_what_it_needs_without_having_it(tmp_path: Path) -> None:
    alone = tmp_path / "verify_log.py"
    copyfile(ROOT / "audit" / "verify_log.py", alone)
    bare = [sys.executable, "-I", "-S", str(alone), "--help"]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the packages cryptography and asn1crypto" in done.stdout


def test_what_is_appended_meanwhile_is_left_out(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    append(store, 2500)
    with store.read() as session:
        lines = Export.begin(session, with_bodies=True).lines(now=datetime.now(UTC))
        read = [next(lines)]
        append(Store(store.url), 20)
        read += lines
    report = verify_log.verify(read)
    assert (report.ok, report.events, report.bodies) == (True, 2500, 2500)
    store.close()
