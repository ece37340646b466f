"""Files of ours in both layouts: validation data under the signature, as they once were, and behind it.

The files are committed: what an office has signed is judged alike for good. tests/earlier.py makes them.
"""

import random
from datetime import datetime
from pathlib import Path

import pytest

from certs.trust import TrustStore, load_trust
from signing.composition import Composer, with_validation_data
from signing.longterm import LongTermData
from signing.opened import OpenedPdf
from signing.selfcheck import carried_data
from signing.verify.quick import Quick
from signing.verify.rawscan import signed_ranges
from signing.verify.report import Report, Verdict
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import EMPTY, verify_pdf
from tests.campaign import times
from tests.earlier import FOLDER

AT = datetime.fromisoformat((FOLDER / "at").read_text().strip())
MATERIAL = TrustMaterial.of(load_trust([FOLDER / "trust"]))
TRUST = Trust(MATERIAL)
FILES = sorted(FOLDER.glob("*.pdf"))
SEED = 20261125


def judged(pdf: bytes) -> Report:
    return verify_pdf(pdf, trust=TRUST, now=AT)


def codes(report: Report) -> set[str]:
    """But for the field of the other signer, which most of these files have."""
    return {finding.code for finding in report.findings} - {EMPTY}


def end_of(pdf: bytes) -> int:
    return max(found.end for found in signed_ranges(pdf))


def behind() -> bytes:
    """A B-LT file of today: its validation data lie behind everything that is signed."""
    pdf = (FOLDER / "now_b_lt.pdf").read_bytes()
    assert end_of(pdf) < len(pdf)
    return pdf


def test_a_field_that_nobody_signed_is_told() -> None:
    """Somebody else should have signed too; or did, and was cut off."""
    once, twice = (judged((FOLDER / f"now_b_lt{then}.pdf").read_bytes()) for then in ("", "_then_now"))
    assert [(each.code, each.detail) for each in once.findings] == [(EMPTY, "fields manager")]
    assert "A place for a signature in it is empty." in once.sentence
    assert once.verdict is Verdict.AUTHENTIC  # what was signed is whole
    assert EMPTY not in {each.code for each in twice.findings}
    assert "empty" not in twice.sentence


def test_there_is_a_file_of_each_layout_and_level_alone_and_signed_again() -> None:
    expected = {
        f"{when}_{level}{then}"
        for when in ("before", "now")
        for level in ("b_lt", "b_lta")
        for then in ("", "_then_now")
    }
    assert {path.stem for path in FILES} == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_authentic_at_its_level_and_the_next_one_of_its_form_is_cleared(path: Path) -> None:
    pdf = path.read_bytes()
    report = judged(pdf)
    assert report.verdict is Verdict.AUTHENTIC, report.sentence
    level = "B-LTA" if "b_lta" in path.stem else "B-LT"
    signatures = [each for each in report.signatures if each.role.value != "timestamp"]
    assert [each.level for each in signatures] == [level] * (2 if "_then_" in path.stem else 1)
    quick = Quick(MATERIAL, AT)
    quick.learn(pdf, report)
    cleared = quick.clear(pdf, "")
    assert cleared is not None
    assert cleared.verdict is Verdict.AUTHENTIC


def test_no_bit_of_what_nobody_signed_can_be_another() -> None:
    pdf = behind()
    quick = Quick(MATERIAL, AT)
    quick.learn(pdf, judged(pdf))
    assert quick.clear(pdf, "") is not None
    chance = random.Random(SEED)  # noqa: S311 (repeatable places, no secret)
    for place in sorted(chance.sample(range(end_of(pdf), len(pdf)), times(60))):
        flipped = pdf[:place] + bytes([pdf[place] ^ (1 << chance.randrange(8))]) + pdf[place + 1 :]
        assert judged(flipped).verdict is not Verdict.AUTHENTIC, (place, SEED)
        assert quick.clear(flipped, "") is None, (place, SEED)


def test_no_digit_that_programs_overlook_can_be_another() -> None:
    """The second half of the identifier says nothing of the file to any program."""
    pdf = behind()
    quick = Quick(MATERIAL, AT)
    quick.learn(pdf, judged(pdf))
    place = pdf.rindex(b"]", 0, pdf.rindex(b"startxref")) - 2  # the last digit before >]
    digit = pdf[place : place + 1]
    assert digit in b"0123456789abcdefABCDEF"
    changed = pdf[:place] + (b"1" if digit != b"1" else b"2") + pdf[place + 1 :]
    assert codes(judged(changed)) == {"validation_data_uncovered"}
    assert quick.clear(changed, "") is None


def strangers() -> LongTermData:
    """Validation data of another office."""
    return carried_data((FOLDER.parent / "files" / "b_lta.pdf").read_bytes())


def two_signers() -> LongTermData:
    """Of another signer of the same authority: valid data, and of no use here."""
    return carried_data((FOLDER / "now_b_lt_then_now.pdf").read_bytes())


def test_who_trusts_the_issuing_authority_alone_accounts_for_what_is_above_it_too() -> None:
    """As trusted lists do: the root and the answer about the authority are of no use then."""
    known = load_trust([FOLDER / "trust"])
    trust = TrustStore(anchors=known.intermediates, crls=known.crls)
    report = verify_pdf(behind(), trust=trust, now=AT)
    assert report.verdict is Verdict.AUTHENTIC, report.sentence


@pytest.mark.parametrize("others", [strangers, two_signers])
@pytest.mark.parametrize("kind", ["certificates", "ocsps"])
def test_what_is_about_nobody_here_is_told_of(kind: str, others: object) -> None:
    pdf = behind()
    signed, own = pdf[: end_of(pdf)], carried_data(pdf)
    assert with_validation_data(signed, own) == pdf
    more = [each for each in getattr(others(), kind) if each not in getattr(own, kind)]  # type: ignore[operator]
    assert more
    parts = {**vars(own), kind: (*getattr(own, kind), more[0])}
    report = judged(with_validation_data(signed, LongTermData(**parts)))
    assert codes(report) == {"validation_data_uncovered"}


def test_data_in_two_updates_are_told_of_but_not_their_order() -> None:
    pdf = behind()
    signed, own = pdf[: end_of(pdf)], carried_data(pdf)
    twice = with_validation_data(with_validation_data(signed, LongTermData(own.certificates)), own)
    turned = LongTermData(own.certificates[::-1], own.ocsps[::-1], own.crls)
    assert codes(judged(with_validation_data(signed, turned))) == set()
    assert codes(judged(twice)) == {"validation_data_uncovered"}


def test_a_certificate_that_can_not_be_read_is_told_of() -> None:
    """DER of a certificate, with a version that there is not: some programs read it, ours does not."""
    pdf = behind()
    signed, own = pdf[: end_of(pdf)], carried_data(pdf)
    odd = own.certificates[0].replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), 1)
    assert odd != own.certificates[0]
    report = judged(with_validation_data(signed, LongTermData((*own.certificates, odd), own.ocsps, own.crls)))
    assert report.verdict is Verdict.SIGNED_BUT
    assert codes(report) == {"validation_data_uncovered"}


def test_an_empty_update_is_told_of() -> None:
    pdf = behind()
    nothing = Composer(OpenedPdf(pdf)).build(None).data
    assert nothing
    assert judged(pdf + nothing).verdict is not Verdict.AUTHENTIC


def test_what_was_read_once_as_one_kind_is_not_taken_for_another() -> None:
    pdf = behind()
    signed, own = pdf[: end_of(pdf)], carried_data(pdf)
    assert judged(pdf).verdict is Verdict.AUTHENTIC
    misplaced = LongTermData(own.certificates, (*own.ocsps, own.certificates[0]), own.crls)
    report = judged(with_validation_data(signed, misplaced))
    assert report.verdict is Verdict.NOT_WHAT_WAS_SIGNED
    told = {finding.code for each in report.signatures for finding in each.findings}
    assert "changed_after_signing" in told
