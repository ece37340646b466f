"""EU DSS beside our own verifier: every level × kind of key × number of signatures, and all vectors."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from signing.profile import Level
from tests.eudss import (
    NOTHING,
    OTHERWISE,
    STRICTER,
    SUB_INDICATIONS,
    Asked,
    Said,
    Word,
    eudss,
    ours,
    stricter,
)
from tests.signers import CASES as SIGNER_CASES
from tests.signers import NAMES, Case
from tests.signing_samples import now
from tests.vectors.build import FOLDER
from tests.witness_files import CASES, Matrix, made_once, shared_folder

pytestmark = [pytest.mark.witness, pytest.mark.slow]

EXPECTED = json.loads((FOLDER / "expected.json").read_text())
DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "verification.md"


@dataclass(frozen=True)
class Witness:
    """EU DSS's words on the vectors by name, and on the signed files by path."""

    vectors: Mapping[str, Said]
    files: Mapping[Path, Said]


@pytest.fixture(scope="session")
def witness(matrix: Matrix, tmp_path_factory: pytest.TempPathFactory) -> Witness:
    folder = shared_folder(tmp_path_factory, "witness-eudss")
    vectors = [FOLDER / f"{name}.pdf" for name in EXPECTED["files"]]
    files = [file.path for file in matrix.every_file]
    files += [file.path for case in SIGNER_CASES for file in matrix.signed_by(case)]
    kept = folder / "said.json"

    def ask() -> None:
        asked = [
            Asked(FOLDER / "trust", datetime.fromisoformat(EXPECTED["at"]), vectors),
            Asked(matrix.root.parent, now(), files),
        ]
        said = eudss(asked, folder)
        kept.write_text(json.dumps({str(path): _written(each) for path, each in said.items()}))

    made_once(folder, ask)
    said = {Path(path): _read(each) for path, each in json.loads(kept.read_text()).items()}
    return Witness({path.stem: said[path] for path in vectors}, {path: said[path] for path in files})


def _written(said: Said) -> Any:
    return [said.indication, [list(vars(word).values()) for word in said.signatures]]


def _read(kept: Any) -> Said:
    return Said(kept[0], tuple(Word(*word) for word in kept[1]))


def passed(key_type: str) -> tuple[str, str | None]:
    """Passed but for Ed25519, which its default policy doesn't know; the level it names there too."""
    if key_type == "Ed25519":
        return "INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    return "TOTAL-PASSED", None


@pytest.mark.parametrize("case", SIGNER_CASES, ids=str)
def test_eu_dss_passes_every_level_by_every_kind_of_signer(
    witness: Witness, matrix: Matrix, case: Case
) -> None:
    for file in matrix.signed_by(case):
        [word] = witness.files[file.path].signatures
        assert (word.indication, word.sub_indication) == passed(case.key_type), file.path.name
        assert (word.level, word.signer) == (file.level, f"{NAMES[case.holder]} (development)")


@pytest.mark.parametrize(("level", "key_type"), CASES)
def test_eu_dss_passes_what_we_signed_at_the_level_asked(
    witness: Witness, matrix: Matrix, level: Level, key_type: str
) -> None:
    for file in matrix.files(level, key_type):
        said = witness.files[file.path]
        assert [(word.indication, word.sub_indication) for word in said.signatures] == [
            passed(key_type)
        ] * len(file.fields), file.path.name
        assert [word.level for word in said.signatures] == [level] * len(file.fields), file.path.name
        assert [word.signer for word in said.signatures] == [
            f"Zoë {field.title()} (development)" for field in file.fields
        ]
        assert all(word.claimed_at for word in said.signatures)


def _differences(witness: Witness) -> Iterator[tuple[str, Said, Said, list[str]]]:
    for name, report in EXPECTED["files"].items():
        if "known_wrong" not in report and ours(report).outline != witness.vectors[name].outline:
            yield name, ours(report), witness.vectors[name], report["codes"]


def _reasons(name: str, mine: Said, other: Said, codes: list[str]) -> set[str]:
    """The entries of the tables that explain a difference."""
    if name in OTHERWISE:
        return {name}
    return {code for code in codes if code in STRICTER} if stricter(mine, other) else set()


def test_every_difference_over_the_vectors_is_explained(witness: Witness) -> None:
    unexplained = [each for each in _differences(witness) if not _reasons(*each)]
    assert unexplained == []


def test_every_explanation_explains_something(witness: Witness) -> None:
    used: set[str] = set()
    for each in _differences(witness):
        used |= _reasons(*each)
    assert {*STRICTER, *OTHERWISE} - used == set()


def _sub_indications(witness: Witness) -> set[tuple[str | None, str | None]]:
    """Where both say the same of a signature, by other sub-indications."""
    found = set()
    for name, report in EXPECTED["files"].items():
        if "known_wrong" in report or ours(report).outline != witness.vectors[name].outline:
            continue
        pairs = zip(ours(report).signatures, witness.vectors[name].signatures, strict=True)
        found |= {
            (mine.sub_indication, other.sub_indication)
            for mine, other in pairs
            if mine.sub_indication != other.sub_indication
        }
    return found


def test_every_other_sub_indication_is_explained(witness: Witness) -> None:
    assert _sub_indications(witness) == set(SUB_INDICATIONS)


def test_no_honest_vector_passes_with_us_and_not_with_eu_dss_or_the_other_way_round(witness: Witness) -> None:
    """What a person would call authentic, EU DSS passes; what it fails, we don't pass."""
    for name, report in EXPECTED["files"].items():
        said = witness.vectors[name].indication
        if report["verdict"] == "authentic" and "known_wrong" not in report and name not in OTHERWISE:
            assert said == "TOTAL-PASSED", name
        if said == "TOTAL-FAILED":
            assert report["indication"] != "TOTAL-PASSED", name


def test_a_difference_would_be_noticed(witness: Witness) -> None:
    """Otherwise the tests above could not fail."""
    good, bad = ours(EXPECTED["files"]["b_b"]), ours(EXPECTED["files"]["letter_changed"])
    assert good.outline == witness.vectors["b_b"].outline != bad.outline
    assert bad.outline == witness.vectors["letter_changed"].outline
    assert _reasons("b_b", good, bad, []) == set()
    assert _reasons("b_b", good, replace(good, indication=NOTHING), ["digest_differs"]) == set()


def test_the_document_tells_every_difference() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    start = text.index("## Where EU DSS differs, and why")
    section = text[start : text.find("\n## ", start + 1)]
    told = " ".join(section.split())
    reasons = [*STRICTER.values(), *OTHERWISE.values(), *SUB_INDICATIONS.values()]
    assert [reason for reason in reasons if reason not in told] == []
    assert [code for code in STRICTER if f"`{code}`" not in told] == []
    assert [name for name in OTHERWISE if f"`{name}`" not in told] == []
