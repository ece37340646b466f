"""The whole demo as a person would run it; every file it leaves is judged by everybody."""

import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.sample_people import SamplePeople
from documents.register import DUTIES
from tests.witness_files import made_once, shared_folder
from tests.witnesses import POPPLER_VALID, OpenSsl, poppler, qpdf_faults, run, scanned, verapdf
from workflow.office import Office

pytestmark = [pytest.mark.witness, pytest.mark.slow]

REQUESTS = 3
# folder → the archive timestamps that follow each signature: A1's seal and a plan's approval are B-LT
ARCHIVE_TIMESTAMPS = {"A1": 0, "A3": 1, "A4": 1, "team-action-plan": 0}
STATISTIC = {"n", "median", "p90"}
MEASURED = {
    *("key", "variant", "n", "delivered", "open", "withdrawn", "returned", "first_time_right", "lead_s"),
    *("lead_driven_by_program", "touch_s", "touch_total_s", "system_ms", "system_total_ms", "signatures"),
    *("documents_per_s", "origin", "providers", "provider_ms"),
}


@dataclass(frozen=True)
class Demo:
    """What `paraaf demo` left behind."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def root(self) -> Path:
        return self.out / "trust" / "development-root.pem"

    @property
    def files(self) -> list[Path]:
        return sorted(self.out.glob("*/*.pdf"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, paraaf: Path) -> Demo:
    made = Demo(shared_folder(tmp_path_factory, "witness-demo"))

    def make() -> None:
        places = ("--data", made.folder / "data", "--out", made.out)
        ran = run(paraaf, "demo", "--requests", str(REQUESTS), *places)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stderr == ""

    made_once(made.folder, make)
    return made


def data_of(path: Path, folder: Path) -> dict[str, Any]:
    """The data attached to a document."""
    target = folder / "data.json"
    assert run("pdfdetach", "-save", "1", "-o", target, path).returncode == 0
    loaded: dict[str, Any] = json.loads(target.read_bytes())
    return loaded


def fields_due(path: Path, data: Mapping[str, Any]) -> list[str]:
    """The signatures and timestamps that the process asks for, signatures first."""
    if "employment" not in data:
        fields = ["approver"]
    else:
        fields = ["employer", "manager"] if data["employment"]["contract"] == "temporary" else ["employer"]
    stamps = len(fields) * ARCHIVE_TIMESTAMPS[path.parent.name]
    return fields + ["archive-timestamp", "archive-timestamp-2"][:stamps]


def text_of(path: Path) -> str:
    """The text of all pages as Poppler reads it, with single spaces."""
    return " ".join(run("pdftotext", "-layout", path, "-").stdout.split())


def drawn(path: Path, folder: Path) -> list[Image.Image]:
    """The pages as Poppler draws them."""
    assert run("pdftoppm", "-r", "90", "-png", path, folder / path.stem).returncode == 0
    pages = []
    for drawing in sorted(folder.glob(f"{path.stem}-*.png")):
        with Image.open(drawing) as page:
            pages.append(page.convert("L"))
    return pages


def test_somebody_of_every_role_can_be_tried(demo: Demo) -> None:
    with closing(Office.open(demo.folder / "data", make=False)) as office:
        samples = SamplePeople.of(office)
        assert samples is not None
        shown = {duty: one.id for one in samples.people() for duty in one.duties}
    assert shown.keys() == {"employee", *DUTIES}
    assert shown["auditor"] == "P192"  # whom README names


def test_there_are_files_of_every_way_of_signing(demo: Demo, tmp_path: Path) -> None:
    folders = [path.parent.name for path in demo.files]
    assert {name: folders.count(name) for name in set(folders)} == {
        "A1": REQUESTS,
        "A3": REQUESTS,
        "A4": REQUESTS,
        "team-action-plan": 1,
    }
    twice_signed = [path for path in demo.files if "manager" in fields_due(path, data_of(path, tmp_path))]
    assert len(twice_signed) >= 3  # else the tests below would say nothing of second signatures


def test_paraaf_verify_passes_everything(demo: Demo, paraaf: Path) -> None:
    ran = run(paraaf, "verify", demo.out, "--trust", demo.root, "--json")
    assert ran.returncode == 0, ran.stdout
    reports = json.loads(ran.stdout)["files"]
    assert len(reports) == len(demo.files)
    assert {report["indication"] for report in reports} == {"TOTAL-PASSED"}
    assert run(paraaf, "verify", demo.out).returncode == 2  # nobody is trusted without being told


def test_poppler_lists_the_signatures_that_the_process_asks_for(demo: Demo, tmp_path: Path) -> None:
    for path in demo.files:
        seen, data = poppler(path), data_of(path, tmp_path)
        assert [each.field for each in seen] == fields_due(path, data), path
        signatures = [each for each in seen if not each.field.startswith("archive-timestamp")]
        assert {each.validation for each in signatures} == {POPPLER_VALID}
        archived = seen[-1].field.startswith("archive-timestamp")  # else validation data lie behind
        assert [each.whole_file for each in seen] == [False] * (len(seen) - 1) + [archived], path


def test_openssl_verifies_every_signature_and_timestamp(demo: Demo, tmp_path: Path) -> None:
    openssl = OpenSsl(tmp_path, demo.root)
    assert {path.name: openssl.faults(path.read_bytes()) for path in demo.files} == {
        path.name: [] for path in demo.files
    }


def test_qpdf_finds_nothing_wrong(demo: Demo) -> None:
    assert [faults for path in demo.files if (faults := qpdf_faults(path))] == []


def test_verapdf_calls_every_file_pdf_a_3b(demo: Demo) -> None:
    assert [verdict for verdict in verapdf(demo.files).values() if not verdict["passed"]] == []


def test_number_code_and_names_can_be_read(demo: Demo, tmp_path: Path) -> None:
    for path in demo.files:
        text, data, pages = text_of(path), data_of(path, tmp_path), drawn(path, tmp_path)
        (code,) = scanned(pages[0], tmp_path)
        assert re.fullmatch(r"([A-Z2-7]{4}-){6}[A-Z2-7]{2}", code)
        assert text.count(code) == 1 + len(pages)  # in the head, and at every page's foot
        assert path.stem in text
        names = [data["employee"]["name"]] if "employee" in data else [data["header"]["team"]]
        names += [data["signing" if "signing" in data else "approval"]["name"]]
        names += [
            each.signer.removesuffix(" (development)")
            for each in poppler(path)
            if not each.field.startswith("archive-timestamp")
        ]
        assert [name for name in names if name not in text] == [], path


def test_every_page_shows_something_and_not_too_much(demo: Demo, tmp_path: Path) -> None:
    for path in demo.files:
        for page in drawn(path, tmp_path):
            histogram = page.histogram()
            assert 0.005 < sum(histogram[:128]) / sum(histogram) < 0.2, path


def test_the_comparison_has_its_keys(demo: Demo) -> None:
    comparison = json.loads((demo.out / "comparison.json").read_text(encoding="utf-8"))
    assert set(comparison) == {
        *("seconds", "requests", "comparison", "simulated", "verified", "log", "unfinished")
    }
    assert comparison["requests"] == 4 * REQUESTS + 1
    assert comparison["verified"] == {"TOTAL-PASSED": len(demo.files)}
    assert comparison["log"]["ok"] is True
    assert comparison["unfinished"] == {}
    measured = {row["variant"]: row for row in comparison["comparison"]["groups"]}
    assert set(measured) == {"A0", "A1", "A3", "A4", "standard"}
    for row in measured.values():
        assert set(row) == MEASURED
        assert row["origin"] == "measured"
        assert row["touch_total_s"] is None  # a program did the people's work: no human time
        assert set(row["lead_s"]) == STATISTIC
        assert all(set(step) == STATISTIC for step in row["system_ms"].values())
    assert measured["A0"]["signatures"] == 0
    ours = {"render", "prepare", "timestamp", "embed", "validate", "store", "deliver"}
    assert set(measured["A3"]["system_ms"]) == ours
    assert set(measured["A3"]["provider_ms"]) == {"authorise", "sign"}
    assert measured["A3"]["providers"] == ["simulated-provider"]
    assert set(measured["A4"]["system_ms"]) == {*ours, "sign"}
