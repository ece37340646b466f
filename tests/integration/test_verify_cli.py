"""`paraaf verify` as its users meet it: what it prints, and the exit status."""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument
from reportlab.pdfgen.canvas import Canvas

from certs.trust import load_trust
from cli import verify
from cli.main import main as paraaf

FILES = Path(__file__).parent.parent / "vectors" / "files"
AT = json.loads((FILES / "expected.json").read_text())["at"]
TRUST = ["--trust", str(FILES / "trust"), "--at", AT]


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verify.add_parser(parser.add_subparsers())
    return verify.run(parser.parse_args(["verify", *words]))


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["b_b"], 0),
        (["b_b", "b_lt_with_loose_validation_data"], 0),
        (["b_b", "unsigned"], 2),
        (["truncated"], 2),
        (["b_b", "unsigned", "letter_changed"], 1),
        (["missing"], 2),
    ],
)
def test_exit_status(names: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*[str(FILES / f"{name}.pdf") for name in names], *TRUST, "--jobs", "1") == status


def test_text_says_the_sentence_first(capsys: pytest.CaptureFixture[str]) -> None:
    run(str(FILES / "letter_changed.pdf"), *TRUST)
    _name, sentence, *_ = capsys.readouterr().out.splitlines()
    assert sentence.startswith(
        "  TOTAL-FAILED  Not what was signed: the content differs from what was signed."
    )


def test_json_is_one_document_with_stable_keys(capsys: pytest.CaptureFixture[str]) -> None:
    run(str(FILES / "b_lta.pdf"), str(FILES / "unsigned.pdf"), *TRUST, "--json")
    signed, unsigned = json.loads(capsys.readouterr().out)["files"]
    assert signed["indication"] == "TOTAL-PASSED"
    assert [each["level"] for each in signed["signatures"]] == ["B-LTA", None]
    assert signed["signatures"][0]["proven_at"].endswith("Z")
    assert unsigned["findings"][0]["code"] == "no_signature"
    assert set(signed) == set(unsigned)


def test_csv_has_one_row_a_signature(capsys: pytest.CaptureFixture[str]) -> None:
    run(str(FILES / "two_in_made_fields.pdf"), str(FILES / "unsigned.pdf"), *TRUST, "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(Path(row["file"]).stem, row["signature_field"]) for row in rows] == [
        ("two_in_made_fields", "employer"),
        ("two_in_made_fields", "manager"),
        ("unsigned", ""),
    ]


def test_reports_are_told_in_a_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, summary = str(FILES / "letter_changed.pdf"), tmp_path / "summary.pdf"
    said = "Niet wat is ondertekend: de inhoud verschilt van wat is ondertekend. Het draagt een handtekening"
    dutch = [changed, *TRUST, "--language", "nl"]
    assert run(*dutch, "--report", str(summary)) == 1
    text = capsys.readouterr().out
    assert f"  TOTAL-FAILED  {said}" in text
    assert "- digest_differs: de inhoud verschilt van wat is ondertekend" in text
    with closing(PdfDocument(summary)) as document:
        told = document[0].get_textpage().get_text_bounded()
    assert told.startswith("Controle van ondertekende documenten")
    assert "Signed" not in told
    run(*dutch, "--json")
    (one,) = json.loads(capsys.readouterr().out)["files"]
    assert one["sentence"].startswith(said)
    assert (one["verdict"], one["validation_time"]) == ("not_what_was_signed", AT.replace("+00:00", "Z"))
    messages = {each["message"] for each in one["signatures"][0]["findings"]}
    assert "de inhoud verschilt van wat is ondertekend" in messages
    run(*dutch, "--csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["sentence"].startswith(said)
    with pytest.raises(SystemExit):
        run(changed, "--language", "xx")


def test_a_runs_results_are_told_in_its_language(tmp_path: Path) -> None:
    assert run(str(FILES / "unsigned.pdf"), *TRUST, "--language", "da", "--into", str(tmp_path / "run")) == 2
    for name in ("results.jsonl", "results.csv", "exceptions.csv"):
        assert "Kan ikke bed" in (tmp_path / "run" / name).read_text()
    with closing(PdfDocument(tmp_path / "run" / "summary.pdf")) as document:
        assert "Kontrol af underskrevne dokumenter" in document[0].get_textpage().get_text_bounded()


def test_report_is_a_pdf_with_failures_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "summary.pdf"
    files = [str(FILES / "b_b.pdf"), str(FILES / "junk_behind.pdf")]
    assert run(*files, *TRUST, "--report", str(out)) == 1
    words = subprocess.run(
        ["pdftotext", "-layout", str(out), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert words.index("junk_behind.pdf") < words.index("b_b.pdf")
    assert "Not what was signed: 1" in words
    assert words.count("Trusted: ") == len(load_trust([FILES / "trust"]).anchors)


def test_report_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(str(FILES / "b_b.pdf"), *TRUST, "--report", str(tmp_path / "no" / "folder.pdf"))
    assert status == 2
    told = capsys.readouterr()
    assert "can't be written" in told.err
    assert told.out == ""  # before anything was judged


def test_report_takes_the_place_of_nothing_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, folder = tmp_path / "kept.pdf", tmp_path / "judged"
    folder.mkdir()
    judged, link = folder / "a.pdf", tmp_path / "link.pdf"
    for path in (report, judged):
        path.write_bytes((FILES / "b_b.pdf").read_bytes())
    link.symlink_to(judged)
    before = judged.read_bytes()
    assert run(str(judged), *TRUST, "--report", str(report)) == 2
    assert "--force" in capsys.readouterr().err
    assert report.read_bytes() == before
    for named, out in ((judged, judged), (folder, judged), (judged, link)):
        assert run(str(named), *TRUST, "--report", str(out), "--force") == 2
        assert "among the files" in capsys.readouterr().err
    assert judged.read_bytes() == before
    assert run(str(judged), *TRUST, "--report", str(report), "--force") == 0
    assert report.read_bytes() != before


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("form", ["--json", "--csv", "--jobs=1"])
def test_names_that_are_no_text_are_told_all_the_same(
    form: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = os.fsencode(tmp_path / "odd") + b"\xff\x9b\xc3\xa9\xe2\x80\xae.pdf"
    Path(os.fsdecode(name)).write_bytes((FILES / "b_b.pdf").read_bytes())
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="")
    monkeypatch.setattr(sys, "stdout", out)
    assert run(os.fsdecode(name), *TRUST, form) == 0
    out.flush()
    text = raw.getvalue().decode(encoding)
    assert all(character.isprintable() or character in "\r\n" for character in text)
    if form == "--json":
        assert os.fsencode(json.loads(text)["files"][0]["file"]) == name


def test_a_path_that_is_too_long_gets_its_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x" * 5000, str(FILES / "b_b.pdf"), *TRUST, "--json") == 2
    long, good = json.loads(capsys.readouterr().out)["files"]
    assert (long["verdict"], good["verdict"]) == ("cannot_be_judged", "authentic")


def test_trust_that_cannot_be_read_is_no_failed_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(FILES / "b_b.pdf"), "--trust", str(FILES / "expected.json")) == 2
    assert "expected.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--at", "yesterday"], ["--jobs", "0"], ["--jobs", "two"], ["--json", "--csv"]]
)
def test_wrong_calls_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run("file.pdf", *words)
    assert refused.value.code == 2


def test_at_without_an_offset_is_utc() -> None:
    assert verify.moment("2026-11-20T14:00") == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert verify.moment("2026-11-20T15:00+01:00") == datetime(2026, 11, 20, 14, tzinfo=UTC)


@pytest.mark.slow
def test_a_script_without_a_main_guard_can_verify(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from datetime import UTC, datetime\nfrom pathlib import Path\n"
        "from certs.trust import TrustStore\nfrom signing.verify.bulk import verify_paths\n"
        f"print([r.verdict.value for r in verify_paths([Path({str(FILES / 'unsigned.pdf')!r})], TrustStore(),"
        " now=datetime.now(UTC))])\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "['cannot_be_judged']\n"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("1990-01-01", "not yet valid then: it begins on"),
        ("2095-01-01", "has expired by then: it ended on"),
    ],
)
def test_a_time_outside_the_validity_is_said(
    at: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.pdf"
    canvas = Canvas(str(letter), invariant=True)
    canvas.drawString(72, 720, "A letter.")
    canvas.save()
    data, signed = tmp_path / "data", tmp_path / "signed.pdf"
    made = ["sign", letter, "-o", signed, "--profile", "organisation-seal", "--data", data]
    assert paraaf([str(word) for word in made]) == 0
    capsys.readouterr()
    root = data / "authority" / "root.pem"
    assert paraaf(["verify", str(signed), "--trust", str(root), "--at", at]) == 2
    said = capsys.readouterr().out
    assert words in said
    assert "chain of certificates does not hold" not in said
