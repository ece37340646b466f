"""Every vector gets the report it must get: made afresh, and as committed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from certs.trust import load_trust
from signing.verify.bulk import verify_paths
from signing.verify.verdict import verify_pdf
from tests.report_words import require_words
from tests.vectors.build import BEGAN, FOLDER, agrees, codes_of, told
from tests.vectors.catalogue import Maker
from tests.vectors.every import EVERY, KNOWN_WRONG, make

EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    now = datetime.now(UTC).replace(microsecond=0)
    folder = tmp_path_factory.mktemp("vectors") / "pki"
    return Maker(
        DevelopmentAuthority.create(folder, base_url=free_base_url(), now=now - BEGAN),
        now,
    )


@pytest.mark.parametrize("name", EVERY)
def test_vector_made_afresh_gets_its_report(name: str, maker: Maker) -> None:
    vector = make(maker, name)
    report = verify_pdf(vector.pdf, trust=maker.trust(), now=maker.now + timedelta(minutes=1), name=name)
    said = (report.sentence, told(report))
    if name in KNOWN_WRONG:
        assert not agrees(report, vector), f"it is right now: take it out of KNOWN_WRONG ({said})"
        return
    assert agrees(report, vector), said
    wanted = EXPECTED["files"][name]
    assert told(report) == {key: wanted[key] for key in told(report)}
    require_words(report)


@pytest.mark.slow
def test_committed_vectors_get_their_reports_in_the_fence() -> None:
    names = [name for name in EXPECTED["files"] if name not in KNOWN_WRONG]
    paths = [FOLDER / f"{name}.pdf" for name in names]
    at = datetime.fromisoformat(EXPECTED["at"])
    reports = list(verify_paths(paths, load_trust([FOLDER / "trust"]), jobs=2, at=at, now=datetime.now(UTC)))
    assert [Path(report.name).stem for report in reports] == names
    for name, report in zip(names, reports, strict=True):
        wanted = EXPECTED["files"][name]
        assert told(report) == {key: wanted[key] for key in told(report)}, (name, codes_of(report))


def test_every_vector_is_committed_and_nothing_else() -> None:
    assert list(EXPECTED["files"]) == list(EVERY)
    assert {path.stem for path in FOLDER.glob("*.pdf")} == set(EVERY)
    assert len(EVERY) >= 150
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 7_000_000


def test_what_is_known_to_be_wrong_is_listed_with_its_reason() -> None:
    assert set(KNOWN_WRONG) <= set(EVERY)
    assert {
        name: wanted["known_wrong"] for name, wanted in EXPECTED["files"].items() if "known_wrong" in wanted
    } == KNOWN_WRONG
