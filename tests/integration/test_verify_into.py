"""Many files: archives, lists, runs into a folder that go on when they were stopped, a signed summary."""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from pyhanko.generated.etsi.ts_11910202 import ValidationReport
from pypdfium2 import PdfDocument
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from certs.authority import DevelopmentAuthority
from cli import verify
from cli.main import main as paraaf
from tests.command_line import Terminal
from tests.nursery import born_command

pytestmark = pytest.mark.slow
FILES = Path(__file__).parent.parent / "vectors" / "files"
AT = json.loads((FILES / "expected.json").read_text())["at"]
TRUST = ["--trust", str(FILES / "trust"), "--at", AT, "--jobs", "1"]
STRICT = ParserConfig(
    fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True
)


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    verify.add_parser(parser.add_subparsers())
    return verify.run(parser.parse_args(["verify", *map(str, words)]))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def pdf(name: str) -> bytes:
    return (FILES / f"{name}.pdf").read_bytes()


def test_the_members_of_an_archive_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = archive(
        tmp_path / "a.zip",
        {"x/b_b.pdf": pdf("b_b"), "notes.txt": b"no", "y.PDF": pdf("letter_changed"), "empty.pdf": b""},
    )
    assert run(made, *TRUST, "--jsonl") == 1
    assert [(one["file"], one["indication"]) for one in lines(capsys)] == [
        (f"{made}!/x/b_b.pdf", "TOTAL-PASSED"),
        (f"{made}!/y.PDF", "TOTAL-FAILED"),
        (f"{made}!/empty.pdf", "INDETERMINATE"),
    ]


def huge(path: Path) -> Path:
    """A member of 3 GB of zeros, in 3 MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made, made.open("bomb.pdf", "w") as member:
        block = bytes(1 << 20)
        for _ in range(300):
            member.write(block)
    return path


def lying(path: Path) -> Path:
    """A member that says it is small, and isn't."""
    content = bytearray(huge(path).read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.find(mark) + place
        content[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def locked(path: Path) -> Path:
    content = bytearray(archive(path, {"a.pdf": pdf("b_b")}).read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(mark) + place] |= 1
    path.write_bytes(content)
    return path


def boundless(path: Path) -> Path:
    """Its directory says that it is 4 GB."""
    content = bytearray(archive(path, {"a.pdf": pdf("b_b")}).read_bytes())
    at = content.rfind(b"PK\x05\x06") + 12
    content[at : at + 4] = b"\xfe\xff\xff\xff"
    path.write_bytes(content)
    return path


def junk(path: Path) -> Path:
    path.write_bytes(b"PK\x05\x06" + os.urandom(400))
    return path


def without(path: Path) -> Path:
    return archive(path, {"a.txt": b""})


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (huge, "file_too_large"),
        (lying, ""),
        (locked, "file_encrypted"),
        (boundless, "archive_unreadable"),
        (junk, "archive_unreadable"),
        (without, "archive_without_pdf"),
    ],
)
def test_a_hostile_archive_gets_a_finding(
    make: object, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(make)
    assert run(make(tmp_path / "odd.zip"), *TRUST, "--jsonl") == 2
    (report,) = lines(capsys)
    assert report["verdict"] == "cannot_be_judged"
    (finding,) = report["findings"]  # type: ignore[misc]
    assert finding["code"] == code or (not code and finding["code"] in ("file_unreadable", "file_empty"))


def test_a_list_names_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "list.txt"
    names.write_text(f"{FILES / 'b_b.pdf'}\n\n{FILES / 'unsigned.pdf'}\n")
    assert run("--list", names, *TRUST, "--jsonl") == 2
    assert [Path(str(one["file"])).stem for one in lines(capsys)] == ["b_b", "unsigned"]
    assert run("--list", tmp_path / "none", *TRUST) == 2
    assert "can't be read" in capsys.readouterr().err


def test_exceptions_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FILES / "b_b.pdf", FILES / "junk_behind.pdf", *TRUST, "--jsonl", "--exceptions") == 1
    assert [Path(str(one["file"])).stem for one in lines(capsys)] == ["junk_behind"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "There is nothing to judge."),
        (("--etsi", "x.pdf"), "--etsi writes into a folder."),
        (("--sign-with", "organisation-seal", "x.pdf"), "--sign-with signs a summary."),
        (("--list-signer", str(FILES / "trust"), "x.pdf"), "--list-signer signs trusted lists."),
    ],
    ids=["nothing", "etsi without a folder", "no summary to sign", "a signer of no lists"],
)
def test_a_wrong_call_is_told(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    assert capsys.readouterr().err.startswith(f"paraaf verify: {told}")


def test_results_in_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    names = ("b_b", "letter_changed", "unsigned", "b_lta")
    assert run(*[FILES / f"{name}.pdf" for name in names], *TRUST, "--into", out, "--etsi") == 1
    counts = "4 files: 1 not what was signed, 1 cannot be judged, 2 authentic."
    assert capsys.readouterr().out == f"{counts} Summary: {out / 'summary.pdf'}\n"
    assert sorted(path.name for path in out.iterdir()) == [
        *("etsi", "exceptions.csv", "results.csv", "results.jsonl", "summary.pdf")
    ]
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [Path(one["file"]).stem for one in results] == list(names)
    rows = list(csv.DictReader(io.StringIO((out / "exceptions.csv").read_text())))
    assert [Path(row["file"]).stem for row in rows] == ["letter_changed", "unsigned"]
    for number, one in enumerate(results, start=1):
        xml = (out / "etsi" / "000" / f"{number:06d}.xml").read_bytes()
        told = XmlParser(config=STRICT).from_bytes(xml, ValidationReport)
        said = [each.signature_validation_status.main_indication for each in told.signature_validation_report]
        wanted = [each["indication"] for each in one["signatures"]] or [one["indication"]]
        assert [word.rpartition(":")[2] for word in said] == [word.lower() for word in wanted]
    text = "".join(page.get_textpage().get_text_range() for page in PdfDocument(out / "summary.pdf"))
    assert text.index("letter_changed") < text.index("unsigned.pdf") < text.index("b_b.pdf")
    assert run(FILES / "b_b.pdf", *TRUST, "--into", out) == 2
    assert "holds the results of a run" in capsys.readouterr().err


def many(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03d}.pdf").write_bytes(pdf("b_lta" if number % 9 else "letter_changed"))
    return folder


def test_a_run_that_was_killed_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = many(tmp_path / "files", 60), tmp_path / "out"
    words = ["verify", str(folder), *TRUST, "--whole", "--into", str(out)]
    spool_file = out / "run.spool"
    with born_command(words, {}):
        until = time.monotonic() + 60
        while not spool_file.exists() or spool_file.read_bytes().count(b"\n") < 5:  # some files are behind it
            assert time.monotonic() < until, "it does not begin"
            time.sleep(0.01)
    with spool_file.open("ab") as spool:
        spool.write(b'{"cut": ')  # what a power cut leaves of a line
    assert paraaf([*words[:-1], str(out), "--at", "2031-01-01"]) == 2
    assert "can't be taken up" in capsys.readouterr().err
    assert paraaf(words) == 1
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert [Path(one["file"]).name for one in results] == [f"{number:03d}.pdf" for number in range(60)]
    assert {one["verdict"] for one in results} == {"authentic", "not_what_was_signed"}
    assert not spool_file.exists()


def test_a_run_over_other_files_is_not_taken_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = many(tmp_path / "files", 3), tmp_path / "out"
    words = (folder, *TRUST, "--into", out)
    assert run(*words) == 1
    for name in ("results.jsonl", "results.csv", "exceptions.csv", "summary.pdf"):
        (out / name).unlink()
    parser = argparse.ArgumentParser()
    verify.add_parser(parser.add_subparsers())
    args = parser.parse_args(["verify", *map(str, words)])
    trust = verify.load_trust(args.trust)
    with verify._spool(args, trust) as (spool, _at):
        for report in verify.verify_sources(verify.sources([folder]), trust, now=args.at, at=args.at):
            spool.write(report)
    (folder / "000.pdf").rename(folder / "other.pdf")
    assert run(*words) == 2
    assert "other files" in capsys.readouterr().err


def test_the_summary_is_signed_by_the_organisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(tmp_path / "office", capsys)
    report = tmp_path / "summary.pdf"
    said = terminal.office(
        *("verify", str(FILES / "b_b.pdf"), *TRUST, "--report", str(report)),
        *("--sign-with", "organisation-seal", "--organisation", "Voorbeeldgemeente"),
    )
    assert said.status == 0, said.err
    root = tmp_path / "root.pem"
    root.write_bytes(DevelopmentAuthority.open(terminal.data / "authority").root_pem)
    judged = terminal("verify", report, "--trust", root, "--jsonl")
    assert judged.json["signatures"][0]["role"] == "seal"
    assert judged.json["verdict"] in ("authentic", "signed_but")


def test_who_can_not_sign_the_summary_is_told_before_a_file_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a night of judging ends without a summary."""
    monkeypatch.setattr(verify, "verify_sources", lambda *_, **__: pytest.fail("a file was judged"))
    words = (FILES / "b_b.pdf", *TRUST, "--no-register", "--data", tmp_path / "office")
    for way in ("--into", "--report"):
        assert run(*words, way, tmp_path / "out", "--sign-with", "organisation-seel") == 2
        assert "There is no profile 'organisation-seel'" in capsys.readouterr().err
        key = ("--sign-with", "organisation-seal", "--key", tmp_path / "none.pem")
        assert run(*words, way, tmp_path / "out", *key) == 2
        assert "none.pem" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("way", ["--into", "--report"])
def test_a_full_disk_is_no_file_that_failed(tmp_path: Path, way: str) -> None:
    words = [sys.executable, "-m", "cli.main", "verify", FILES / "b_b.pdf", *TRUST, "--no-register"]
    little = 'ulimit -f 1; exec "$@"'  # half a kilobyte a file, or a whole one
    done = subprocess.run(
        ["sh", "-c", little, "sh", *words, way, tmp_path / "out.pdf"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr
